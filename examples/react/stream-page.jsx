import { createRoot } from 'react-dom/client';
import { useStream } from './use-stream.js';

const parameter = (name) => new URLSearchParams(location.search).get(name) ?? '';

/** In production, a page gets each token from its own back end. */
const getToken = () => parameter('token');

function Message({ url }) {
  const { events, status, stop } = useStream(url, getToken);
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

createRoot(document.querySelector('#root')).render(<Message url={parameter('url')} />);
