import { useChat } from '@ai-sdk/react';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

const chatId = new URLSearchParams(location.search).get('chat') ?? 'chat-1';

/** What the application keeps of the chat: all but the answer that is being given. */
async function loadMessages() {
  return (await fetch(`/api/chat/${chatId}`)).json();
}

function Chat({ stored }) {
  const [input, setInput] = useState('');
  // `resume` asks for GET /api/chat/:id/stream once, when the page loads.
  const chat = useChat({ id: chatId, messages: stored, resume: true });
  const { messages, setMessages, status, error, sendMessage, resumeStream } = chat;

  useEffect(() => {
    // The SDK reports a connection that broke as a TypeError; a run that failed is another error.
    if (status !== 'error' || !(error instanceof TypeError)) return;
    const comeBack = async () => {
      setMessages(await loadMessages()); // should the run have ended meanwhile, nothing is resumed
      await resumeStream();
    };
    const timer = setTimeout(() => comeBack().catch(() => location.reload()), 1000);
    return () => clearTimeout(timer);
  }, [status, error, setMessages, resumeStream]);

  const send = (event) => {
    event.preventDefault();
    void sendMessage({ text: input });
    setInput('');
  };
  // Not the SDK's `stop`: that leaves, and the run goes on. After a stop the feed ends with the stream.
  const stop = () =>
    fetch(`/api/chat/${chatId}/stop`, {
      method: 'POST',
      body: JSON.stringify({ messageId: messages.at(-1).id }),
    });

  return (
    <main data-status={status}>
      {messages.map((message) => (
        <article key={message.id} className={message.role}>
          {message.parts.map((part, index) => (
            <Part key={index} part={part} messageId={message.id} />
          ))}
        </article>
      ))}
      {status === 'error' && <p role="alert">{error.message}</p>}
      <form onSubmit={send}>
        <input value={input} onChange={(event) => setInput(event.target.value)} />
        <button type="submit">Send</button>
        <button type="button" onClick={stop} disabled={status !== 'streaming'}>
          Stop
        </button>
      </form>
    </main>
  );
}

function Part({ part, messageId }) {
  switch (part.type) {
    case 'text':
      return <p>{part.text}</p>;
    case 'reasoning':
      return <em>{part.text}</em>;
    case 'dynamic-tool':
      return (
        <>
          <code>{`${part.toolName}: ${part.state}`}</code>
          {part.state === 'approval-requested' && <Approval part={part} messageId={messageId} />}
        </>
      );
    case 'source-url':
      return <a href={part.url}>{part.title ?? part.url}</a>;
    default:
      return null; // among them data-session_title and the like
  }
}

/** The question of a tool call. What comes of the reply comes in the stream, on all pages. */
function Approval({ part, messageId }) {
  const [isSent, setIsSent] = useState(false);
  const reply = (approved) => {
    setIsSent(true);
    fetch(`/api/chat/${chatId}/approval`, {
      method: 'POST',
      body: JSON.stringify({ messageId, approvalId: part.approval.id, approved }),
    }).catch(() => setIsSent(false)); // the user may try again
  };
  return (
    <fieldset disabled={isSent}>
      <legend>{`May it run ${part.toolName}(${JSON.stringify(part.input)})?`}</legend>
      <button type="button" onClick={() => reply(true)}>
        Allow
      </button>
      <button type="button" onClick={() => reply(false)}>
        Deny
      </button>
    </fieldset>
  );
}

createRoot(document.querySelector('#root')).render(<Chat stored={await loadMessages()} />);
