/** Uploads as a client makes them, and forms that no client should make. */

export const UPLOAD_KEY = "key-of-the-tests";

export interface FormPart {
  readonly name: string;
  readonly content: string | Uint8Array;
  /** Absent: the part is a field. */
  readonly filename?: string;
  readonly type?: string;
}

export const BOUNDARY = "--------------------------mir-upload";
export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** The bytes of a form, its parts in the order given. */
export function formOf(parts: readonly FormPart[]): Uint8Array {
  const pieces = parts.flatMap(({ name, content, filename, type }) => {
    const file = filename === undefined ? "" : `; filename="${filename}"`;
    const kind = type === undefined ? "" : `Content-Type: ${type}\r\n`;
    const head = `Content-Disposition: form-data; name="${name}"${file}\r\n${kind}\r\n`;
    return [Buffer.from(`--${BOUNDARY}\r\n${head}`), Buffer.from(content), Buffer.from("\r\n")];
  });
  return Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

export function uploadForm(
  picture: Uint8Array,
  meta: Readonly<Record<string, unknown>>,
): FormPart[] {
  return [
    { name: "meta", content: JSON.stringify({ key: UPLOAD_KEY, ...meta }) },
    { name: "afile", content: picture, filename: "picture", type: "application/octet-stream" },
  ];
}

/** What a node says of an upload, or the fault it refuses it with. */
export interface UploadAnswer {
  readonly status: number;
  readonly contentId?: string;
  readonly relname?: string;
  readonly bytes?: number;
  readonly digest?: string;
  readonly propagated?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

/** Uploads to the node at `url`; `meta` beside the key. */
export async function upload(
  url: string,
  picture: Uint8Array,
  meta: Readonly<Record<string, unknown>> = {},
): Promise<UploadAnswer> {
  return postForm(url, formOf(uploadForm(picture, meta)));
}

async function postForm(url: string, form: Uint8Array): Promise<UploadAnswer> {
  const answer = await fetch(`${url}/upload-propagate`, {
    method: "POST",
    headers: { "content-type": FORM_TYPE },
    body: form,
  });
  const content = (await answer.json()) as Omit<UploadAnswer, "status">;
  return { status: answer.status, ...content };
}

export function sha256Of(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
