import { find } from './elements.js';

const side = find('side', HTMLElement);
const button = find('menu', HTMLButtonElement);

/** @param {boolean} isShown on a screen that has no room for it beside the stream */
export function showSide(isShown) {
  side.classList.toggle('shown', isShown);
  button.setAttribute('aria-expanded', String(isShown));
}

button.addEventListener('click', () => showSide(!side.classList.contains('shown')));
