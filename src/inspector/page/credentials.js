import { find } from './elements.js';
import { showSide } from './side.js';

const fold = find('credentials', HTMLDetailsElement);

/** What a service with keys asks for. It is in the memory of this tab, and never in its address. */
const inputs = { key: find('key', HTMLInputElement), token: find('token', HTMLInputElement) };

for (const [name, input] of Object.entries(inputs)) {
  input.value = sessionStorage.getItem(`rejoin-${name}`) ?? '';
  input.addEventListener('input', () => sessionStorage.setItem(`rejoin-${name}`, value(input)));
}

/** @param {HTMLInputElement} input */
function value(input) {
  return input.value.trim();
}

/**
 * Asks for what the service has missed; a cursor that is in one of the fields stays there.
 *
 * @param {'key' | 'token'} name
 */
export function askFor(name) {
  showSide(true);
  fold.open = true;
  const isAsked = Object.values(inputs).some((input) => input === document.activeElement);
  if (!isAsked) inputs[name].focus();
}

/** The reader token, which an EventSource can only bring in its URL; empty when there is none. */
export function readerToken() {
  return value(inputs.token);
}

/**
 * The header for a request: of the two, the one that is meant for it. A token never appends.
 *
 * @param {'read' | 'append' | 'stop' | 'input'} purpose
 * @returns {Record<string, string>}
 */
export function authorization(purpose) {
  const [key, token] = [value(inputs.key), value(inputs.token)];
  const bearer = purpose === 'append' ? key || token : token || key;
  return bearer === '' ? {} : { authorization: `Bearer ${bearer}` };
}
