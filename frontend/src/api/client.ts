/** The one way to the server: JSON in, JSON out, and every failure an `ApiError`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

/** The request never got an answer: server stopped, network gone. */
export const UNREACHABLE = 'unreachable'

type SignedOutListener = () => void
let signedOut: SignedOutListener = () => {}

/** Called once by the app: what to do when the server says that nobody is signed in any more. */
export function onSignedOut(listener: SignedOutListener): void {
  signedOut = listener
}

export function reportSignedOut(): void {
  signedOut()
}

interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  signal?: AbortSignal
  /** The sign-in pages answer a 401 themselves. */
  expect401?: boolean
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export async function request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  const init: RequestInit = { method, headers, credentials: 'same-origin' }
  if (options.signal) init.signal = options.signal
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json'
    init.body = JSON.stringify(options.body)
  }
  let response: Response
  try {
    response = await fetch(address(path, options.query), init)
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new ApiError(0, UNREACHABLE, 'The server cannot be reached.')
  }
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T
  const failure = await readError(response)
  if (failure.status === 401 && !options.expect401) signedOut()
  throw failure
}

export function address(path: string, query: RequestOptions['query'] = {}): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) params.set(name, String(value))
  }
  const text = params.toString()
  return `/api/v1${path}${text && `?${text}`}`
}

async function readError(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get('Retry-After')) || null
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string; field?: string } }
    return new ApiError(response.status, error.code, error.message, error.field ?? null, retryAfter)
  } catch {
    // A proxy in front of Tocsin answers in its own format.
    return new ApiError(response.status, `http_${response.status}`, response.statusText, null, retryAfter)
  }
}
