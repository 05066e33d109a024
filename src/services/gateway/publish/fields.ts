import { Element } from '../../../xmpp/element.js';

/**
 * The first value of a field of a form, whatever the form's type: servers send `form`, `submit`, and others. Undefined if there is
 * none.
 */
export function fieldText(form: Element, name: string): string | undefined {
  for (const field of form.children) {
    if (field instanceof Element && field.is('field', form.ns) && field.attr('var') === name) {
      return field.child('value')?.text();
    }
  }
  return undefined;
}
