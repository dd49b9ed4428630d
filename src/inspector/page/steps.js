import { find } from './elements.js';

const list = find('steps', HTMLOListElement);
const steps = [...list.children];

/**
 * Shows how far somebody is who tries the page out.
 *
 * @param {number} done how many of the steps
 * @param {boolean} isHidden
 */
export function drawSteps(done, isHidden) {
  list.hidden = isHidden;
  steps.forEach((step, index) => {
    step.classList.toggle('done', index < done);
    if (index === done) step.setAttribute('aria-current', 'step');
    else step.removeAttribute('aria-current');
  });
}
