import type { UiMessageChunk } from './chunk-schema.js';
import { type EventRecord, type Fields, firstOf, isFields, textOf } from './event-record.js';

/** The sources of an answer; null when one of them is neither an address nor a document. */
export function toSources({ data, id }: EventRecord): UiMessageChunk[] | null {
  const references = firstOf(data, 'references', 'sources');
  if (!Array.isArray(references)) return null;
  const sources = references.map((one, index) => toSource(one, `${id ?? 'source'}-${index + 1}`));
  return sources.every((one) => one !== null) ? sources : null;
}

function toSource(reference: unknown, nextId: string): UiMessageChunk | null {
  if (!isFields(reference)) return null;
  const sourceId = textOf(reference, 'id', 'source_id', 'sourceId') ?? nextId;
  const title = textOf(reference, 'title', 'knowledge_title');
  const url = textOf(reference, 'url');
  if (url !== undefined) return { type: 'source-url', sourceId, url, ...(title && { title }) };
  return title === undefined ? null : toDocument(reference, sourceId, title);
}

function toDocument(reference: Fields, sourceId: string, title: string): UiMessageChunk {
  const mediaType = textOf(reference, 'media_type', 'mediaType') ?? 'text/plain';
  const filename = textOf(reference, 'filename', 'knowledge_filename');
  return { type: 'source-document', sourceId, mediaType, title, ...(filename && { filename }) };
}
