import { LIVE_TYPES, parseLiveEvent, type LiveEvent, type LiveStatus } from './types'

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 20_000

interface StreamOptions {
  url: string
  onEvent: (event: LiveEvent) => void
  onStatus: (status: LiveStatus) => void
  /** Asked when the server refused the stream: false when the reason is that nobody is signed in. */
  mayRetry: () => Promise<boolean>
}

/**
 * One EventSource that does not give up. The browser reconnects by itself (and sends Last-Event-ID) when the connection
 * breaks, but closes for good when the server or a proxy answers with an error; then a new one is opened, later and later.
 */
export function openStream(options: StreamOptions): { close: () => void } {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let retryMs = FIRST_RETRY_MS
  let closed = false

  function open() {
    const current = new EventSource(options.url)
    source = current
    current.onopen = () => {
      retryMs = FIRST_RETRY_MS
      options.onStatus('connected')
    }
    current.onerror = () => {
      options.onStatus('reconnecting')
      if (current.readyState === EventSource.CLOSED) void retryLater()
    }
    for (const type of LIVE_TYPES) {
      current.addEventListener(type, (message) => {
        const event = parseLiveEvent(type, message.data as string, message.lastEventId)
        if (event) options.onEvent(event)
      })
    }
  }

  async function retryLater() {
    source?.close()
    if (!(await options.mayRetry()) || closed) return
    timer = setTimeout(open, retryMs * (0.75 + Math.random() / 2))
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
  }

  function close() {
    closed = true
    clearTimeout(timer)
    source?.close()
  }

  open()
  return { close }
}
