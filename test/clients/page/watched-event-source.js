const silenceMs = 3000;
const pauseMs = 500;

/** An EventSource with the watchdog of examples/page, where heartbeats come each second. */
export function watchedEventSource(url, note) {
  let lastId = '';
  let source;
  let timer;
  let isOver = false;

  function follow() {
    const place = new URL(url);
    place.searchParams.set('control', 'true');
    if (lastId !== '') place.searchParams.set('lastEventId', lastId);
    source = new EventSource(place);
    hear();
    source.onopen = hear;
    source.onmessage = ({ data, lastEventId }) => {
      hear();
      lastId = lastEventId;
      note(data, lastEventId);
      isOver ||= ['complete', 'stop'].includes(JSON.parse(data).type);
    };
    source.addEventListener('heartbeat', hear);
    source.addEventListener('reset', ({ lastEventId }) => {
      hear();
      lastId = lastEventId;
    });
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) afresh(pauseMs);
    };
  }

  function hear() {
    clearTimeout(timer);
    timer = setTimeout(afresh, silenceMs, 0);
  }

  function afresh(ms) {
    close();
    if (!isOver) timer = setTimeout(follow, ms);
  }

  function close() {
    source.close();
    clearTimeout(timer);
  }

  follow();
  return { close, isOver: () => isOver };
}
