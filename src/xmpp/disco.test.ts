import { describe, expect, it } from 'vitest';
import { discoInfoQuery, discoItemsQuery } from './disco.js';
import { el } from './element.js';
import { ns } from './ns.js';

describe('disco', () => {
  it('lists identities, then features once each, then forms', () => {
    const query = discoInfoQuery({
      identities: [{ category: 'component', type: 'generic', name: 'Belfry', lang: 'en' }],
      features: ['urn:b', 'urn:a', 'urn:b'],
      forms: [{ type: 'result', fields: [{ var: 'FORM_TYPE', type: 'hidden', values: ['urn:f'] }] }],
    });
    const form = el(
      'x',
      ns.dataForms,
      { type: 'result' },
      el('field', ns.dataForms, { var: 'FORM_TYPE', type: 'hidden' }, el('value', ns.dataForms, {}, 'urn:f')),
    );
    expect(query).toEqual(
      el(
        'query',
        ns.discoInfo,
        {},
        el('identity', ns.discoInfo, {
          category: 'component',
          type: 'generic',
          name: 'Belfry',
          'xml:lang': 'en',
        }),
        el('feature', ns.discoInfo, { var: 'urn:b' }),
        el('feature', ns.discoInfo, { var: 'urn:a' }),
        form,
      ),
    );
  });

  it('repeats the node that was asked for', () => {
    expect(discoInfoQuery({ node: 'n', identities: [], features: [] }).attr('node')).toBe('n');
    expect(discoItemsQuery([], 'n').attr('node')).toBe('n');
  });

  it('lists items', () => {
    expect(discoItemsQuery([{ jid: 'a.example', name: 'A' }])).toEqual(
      el('query', ns.discoItems, {}, el('item', ns.discoItems, { jid: 'a.example', name: 'A' })),
    );
  });
});
