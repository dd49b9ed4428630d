import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { OpenAPIV3_1 } from 'openapi-types';

export interface Media {
  readonly schema: object;
  readonly examples?: Record<string, { value: unknown }>;
}

export interface DocumentedHeader {
  readonly required?: boolean;
  readonly schema: object;
}

export interface DocumentedResponse {
  readonly headers?: Record<string, DocumentedHeader>;
  readonly content?: Record<string, Media>;
}

/** One operation of the document, with its name: `GET /healthz`. */
export interface DocumentedOperation {
  readonly name: string;
  readonly path: string;
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly security: readonly Record<string, unknown>[];
  readonly parameters?: readonly { name: string; in: string; schema: object }[];
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<string, DocumentedResponse>;
}

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** The service's document, whose schemas can be put to the test. */
export class ApiDocument {
  readonly ajv = new Ajv2020({
    allErrors: true,
    strictTypes: true,
    formats: { 'date-time': dateTime },
  });

  constructor(readonly json: OpenAPIV3_1.Document) {
    this.ajv.addVocabulary(['components']);
  }

  get operations(): DocumentedOperation[] {
    return Object.entries(this.json.paths ?? {}).flatMap(([path, methods]) =>
      Object.entries(methods ?? {}).map(([method, operation]) => ({
        ...(operation as unknown as DocumentedOperation),
        name: `${method.toUpperCase()} ${path}`,
        path,
      })),
    );
  }

  /** A schema of the document, with what it refers to. */
  compile(schema: object): ValidateFunction {
    return this.ajv.compile({ ...schema, components: this.json.components });
  }

  /** What is wrong with the value; null when nothing is. */
  faultOf(schema: object, value: unknown): string | null {
    const validate = this.compile(schema);
    return validate(value) ? null : this.ajv.errorsText(validate.errors);
  }
}
