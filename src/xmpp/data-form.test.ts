import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DataForm, fieldValue, fieldValues, formToElement, formTypeOf, parseForm } from './data-form.js';
import { el } from './element.js';
import { ns } from './ns.js';

const x = (type: string, ...children: ReturnType<typeof el>[]) =>
  el('x', ns.dataForms, { type }, ...children);
const field = (attrs: Record<string, string>, ...values: string[]) =>
  el('field', ns.dataForms, attrs, ...values.map((value) => el('value', ns.dataForms, {}, value)));

const text = fc.string();
const optional = { requiredKeys: ['values'] as ['values'] };
const anyField = fc.record(
  {
    var: text,
    type: fc.constantFrom('boolean', 'fixed', 'hidden', 'list-multi', 'text-multi', 'text-single'),
    label: text,
    description: text,
    required: fc.constant(true),
    values: fc.array(text),
    options: fc.array(fc.record({ label: text, value: text }, { requiredKeys: ['value'] }), { minLength: 1 }),
  },
  optional,
);
const anyForm: fc.Arbitrary<DataForm> = fc.record(
  {
    type: fc.constantFrom('form', 'submit', 'result', 'cancel'),
    title: text,
    instructions: fc.array(text, { minLength: 1 }),
    fields: fc.array(anyField),
  },
  { requiredKeys: ['type', 'fields'] },
);

describe('data form', () => {
  it('reads what it has written', () => {
    fc.assert(
      fc.property(anyForm, (form) => {
        expect(parseForm(formToElement(form))).toEqual(form);
      }),
    );
  });

  it('reads a submitted form by its fields', () => {
    const form = parseForm(
      x(
        'submit',
        field({ var: 'FORM_TYPE' }, 'urn:f'),
        field({ var: 'many' }, 'a', 'b'),
        field({ var: 'none' }),
      ),
    );
    expect(form && formTypeOf(form)).toBe('urn:f');
    expect(form && fieldValues(form, 'many')).toEqual(['a', 'b']);
    expect(form && fieldValue(form, 'many')).toBe('a');
    expect(form && fieldValue(form, 'none')).toBeUndefined();
    expect(form && fieldValues(form, 'absent')).toEqual([]);
  });

  it('writes the elements in the order of the schema', () => {
    const element = formToElement({
      type: 'form',
      title: 'T',
      instructions: ['I', 'J'],
      fields: [
        {
          var: 'v',
          type: 'list-single',
          label: 'L',
          description: 'D',
          required: true,
          values: ['1'],
          options: [{ label: 'One', value: '1' }],
        },
      ],
    });
    expect(element.elements().map((child) => child.name)).toEqual([
      'title',
      'instructions',
      'instructions',
      'field',
    ]);
    expect(element.child('field')?.attrs).toEqual({ var: 'v', type: 'list-single', label: 'L' });
    expect(
      element
        .child('field')
        ?.elements()
        .map((child) => child.name),
    ).toEqual(['desc', 'required', 'value', 'option']);
  });

  it('takes an unknown field type as text-single', () => {
    expect(parseForm(x('form', field({ var: 'v', type: 'hologram' })))?.fields).toEqual([
      { var: 'v', type: 'text-single', values: [] },
    ]);
  });

  it('refuses what is no form', () => {
    expect(parseForm(x('error'))).toBeUndefined();
    expect(parseForm(el('x', ns.dataForms))).toBeUndefined();
    expect(parseForm(el('x', 'urn:other', { type: 'form' }))).toBeUndefined();
  });
});
