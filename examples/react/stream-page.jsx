import { createRoot } from 'react-dom/client';
import { useStream } from './use-stream.js';

function Message({ url, token, heartbeatMs }) {
  const { events, status, stop } = useStream(url, token, heartbeatMs);
  const textOf = (kind) =>
    events.map(({ type, content }) => (type === kind ? content : '')).join('');
  return (
    <main data-status={status} data-count={events.length}>
      <em>{textOf('thinking')}</em>
      <p>{textOf('answer')}</p>
      <button type="button" onClick={stop}>
        Stop
      </button>
    </main>
  );
}

const { url, token, heartbeat = 15 } = Object.fromEntries(new URLSearchParams(location.search));
createRoot(document.querySelector('#root')).render(
  <Message url={url} token={token} heartbeatMs={1000 * heartbeat} />,
);
