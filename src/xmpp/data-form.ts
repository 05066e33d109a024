import { type Element, el } from './element.js';
import { ns } from './ns.js';

/** Form types of XEP-0004 §3.1. */
type FormType = 'form' | 'submit' | 'result' | 'cancel';

const formTypes: readonly string[] = ['form', 'submit', 'result', 'cancel'] satisfies FormType[];

/** Field types of XEP-0004 §3.3. */
type FieldType =
  | 'boolean'
  | 'fixed'
  | 'hidden'
  | 'jid-multi'
  | 'jid-single'
  | 'list-multi'
  | 'list-single'
  | 'text-multi'
  | 'text-private'
  | 'text-single';

const fieldTypes: readonly string[] = [
  'boolean',
  'fixed',
  'hidden',
  'jid-multi',
  'jid-single',
  'list-multi',
  'list-single',
  'text-multi',
  'text-private',
  'text-single',
] satisfies FieldType[];

interface FieldOption {
  readonly label?: string;
  readonly value: string;
}

interface FormField {
  /** The field's name; absent only for `fixed` fields. */
  readonly var?: string;
  /** Absent where context tells it: in forms of type `submit` and `result`. */
  readonly type?: FieldType;
  readonly label?: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly values: readonly string[];
  readonly options?: readonly FieldOption[];
}

/** A data form (XEP-0004) without the tables of search results (`reported`, `item`), which no service here uses. */
export interface DataForm {
  readonly type: FormType;
  readonly title?: string;
  readonly instructions?: readonly string[];
  readonly fields: readonly FormField[];
}

function isFormType(value: string): value is FormType {
  return formTypes.includes(value);
}

function isFieldType(value: string): value is FieldType {
  return fieldTypes.includes(value);
}

/**
 * Reads `<x xmlns='jabber:x:data'/>`. Undefined if it is no form or its type is unknown; an unknown field type is
 * read as `text-single` (XEP-0004 §3.3).
 */
export function parseForm(x: Element): DataForm | undefined {
  const type = x.attr('type') ?? '';
  if (!x.is('x', ns.dataForms) || !isFormType(type)) return undefined;
  const title = x.child('title')?.text();
  const instructions = childTexts(x, 'instructions');
  return {
    type,
    ...(title !== undefined && { title }),
    ...(instructions.length > 0 && { instructions }),
    fields: named(x, 'field').map(parseField),
  };
}

function parseField(field: Element): FormField {
  const name = field.attr('var');
  const type = field.attr('type');
  const label = field.attr('label');
  const description = field.child('desc')?.text();
  const options = named(field, 'option').map(parseOption);
  return {
    ...(name !== undefined && { var: name }),
    ...(type !== undefined && { type: isFieldType(type) ? type : 'text-single' }),
    ...(label !== undefined && { label }),
    ...(description !== undefined && { description }),
    ...(field.child('required') !== undefined && { required: true }),
    values: childTexts(field, 'value'),
    ...(options.length > 0 && { options }),
  };
}

function parseOption(option: Element): FieldOption {
  const label = option.attr('label');
  return { ...(label !== undefined && { label }), value: option.child('value')?.text() ?? '' };
}

function named(parent: Element, name: string): Element[] {
  return parent.elements().filter((child) => child.is(name, ns.dataForms));
}

function childTexts(parent: Element, name: string): string[] {
  return named(parent, name).map((child) => child.text());
}

/** The form as `<x xmlns='jabber:x:data'/>`. */
export function formToElement(form: DataForm): Element {
  return el(
    'x',
    ns.dataForms,
    { type: form.type },
    ...optionalText('title', form.title),
    ...(form.instructions ?? []).map((text) => textElement('instructions', text)),
    ...form.fields.map(fieldToElement),
  );
}

function fieldToElement(field: FormField): Element {
  return el(
    'field',
    ns.dataForms,
    { var: field.var, type: field.type, label: field.label },
    ...optionalText('desc', field.description),
    ...(field.required === true ? [el('required', ns.dataForms)] : []),
    ...field.values.map((value) => textElement('value', value)),
    ...(field.options ?? []).map(({ label, value }) =>
      el('option', ns.dataForms, { label }, textElement('value', value)),
    ),
  );
}

function textElement(name: string, text: string): Element {
  return text === '' ? el(name, ns.dataForms) : el(name, ns.dataForms, {}, text);
}

function optionalText(name: string, text: string | undefined): Element[] {
  return text === undefined ? [] : [textElement(name, text)];
}

/** All values of the first field of that name; empty if there is none. */
export function fieldValues(form: DataForm, name: string): readonly string[] {
  return form.fields.find((field) => field.var === name)?.values ?? [];
}

/** The first value of the first field of that name. */
export function fieldValue(form: DataForm, name: string): string | undefined {
  return fieldValues(form, name)[0];
}

/** What the form is about (XEP-0068): the value of its `FORM_TYPE` field. */
export function formTypeOf(form: DataForm): string | undefined {
  return fieldValue(form, 'FORM_TYPE');
}
