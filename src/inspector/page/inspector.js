import { askFor } from './credentials.js';
import { element, find } from './elements.js';
import { runSample } from './sample-run.js';
import { ServiceError, stop } from './service.js';
import { showSide } from './side.js';
import { drawSteps } from './steps.js';
import { StreamView } from './stream-view.js';
import { StreamsList } from './streams-list.js';

const sidInput = find('sid', HTMLInputElement);
const midInput = find('mid', HTMLInputElement);
const sampleButton = find('sample', HTMLButtonElement);
const cutButton = find('cut', HTMLButtonElement);
const stopButton = find('stop', HTMLButtonElement);
const replayButton = find('replay', HTMLButtonElement);
const speed = find('speed', HTMLSelectElement);
const fault = find('fault', HTMLParagraphElement);

/** How many steps of the introduction are done. */
let stepsDone = 0;

const view = new StreamView(drawControls, tell);
const streams = new StreamsList((mid) => open({ sid: sidInput.value, mid }));

/** @param {import('./service.js').StreamId} stream */
function open(stream) {
  sidInput.value = stream.sid;
  midInput.value = stream.mid;
  // Beside the two ids nothing is in the address: it may be passed on.
  history.replaceState(null, '', `?${new URLSearchParams({ ...stream })}`);
  tell(null);
  stepsDone = 0;
  showSide(false);
  view.open(stream);
  void streams.show(stream.sid, stream.mid);
}

async function sample() {
  const sid = sidInput.value.trim() || 'demo';
  const stream = { sid, mid: `sample-${Date.now().toString(36)}` };
  open(stream);
  stepsDone = 1;
  drawControls();
  await runSample(stream);
}

function cutOrResume() {
  view.cutOrResume();
  if (stepsDone > 0) stepsDone = view.state === 'cut' ? 2 : 3;
  drawControls();
}

function drawControls() {
  const { state, canResume, hasEnded, isReplaying, hasFrames } = view;
  streams.setReceived(view.eventCount);
  const isOver = state === null || (state === 'closed' && hasEnded);
  const isSampleNext = isOver || (!hasFrames && stepsDone === 0);
  sampleButton.classList.toggle('primary', isSampleNext);
  cutButton.disabled = isOver;
  cutButton.textContent = canResume ? 'Resume' : 'Cut connection';
  cutButton.classList.toggle('primary', !isSampleNext);
  stopButton.disabled = state === null || hasEnded;
  replayButton.disabled = !hasFrames;
  replayButton.textContent = isReplaying ? 'End replay' : 'Replay';
  const isUncut = isOver && stepsDone === 1;
  drawSteps(isUncut ? 0 : stepsDone, state !== null && stepsDone === 0);
}

/** @param {unknown} error null takes the message away */
function tell(error) {
  fault.hidden = error === null;
  if (error instanceof ServiceError) {
    fault.replaceChildren(element('b', '', error.code), ` ${error.message}`);
    if (error.status === 401) askFor('key');
  } else fault.textContent = error === null ? '' : 'The service cannot be reached.';
}

/**
 * @param {HTMLElement} target
 * @param {string} type
 * @param {() => void | Promise<void>} action
 */
function on(target, type, action) {
  target.addEventListener(type, async (event) => {
    if (event.type === 'submit') event.preventDefault();
    try {
      await action();
    } catch (error) {
      tell(error);
    }
  });
}

on(find('open', HTMLFormElement), 'submit', () =>
  open({ sid: sidInput.value.trim(), mid: midInput.value.trim() }),
);
on(sidInput, 'change', () => streams.show(sidInput.value.trim(), ''));
for (const id of ['key', 'token'])
  on(find(id, HTMLInputElement), 'change', () => streams.refresh());
on(sampleButton, 'click', sample);
on(cutButton, 'click', cutOrResume);
on(stopButton, 'click', async () => {
  if (view.stream !== null) await stop(view.stream);
});
on(replayButton, 'click', () => view.replayOrFinish(Number(speed.value)));
for (const radio of document.querySelectorAll('input[name=view]')) {
  on(/** @type {HTMLInputElement} */ (radio), 'change', () =>
    view.choose(/** @type {HTMLInputElement} */ (radio).value),
  );
}

const { sid = 'demo', mid } = Object.fromEntries(new URLSearchParams(location.search));
sidInput.value = sid;
if (mid) open({ sid, mid });
else void streams.show(sid, '');
