/** Stands in for the browser's EventSource; a spec opens it, feeds it and breaks it. */
export class FakeEventSource extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSED = 2
  static opened: FakeEventSource[] = []

  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  readyState = FakeEventSource.CONNECTING

  constructor(readonly url: string) {
    super()
    FakeEventSource.opened.push(this)
  }

  static get last(): FakeEventSource {
    const last = FakeEventSource.opened.at(-1)
    if (!last) throw new Error('nothing opened an EventSource')
    return last
  }

  accept() {
    this.readyState = FakeEventSource.OPEN
    this.onopen?.()
  }

  tell(type: string, data: unknown, lastEventId = '') {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data), lastEventId }))
  }

  /** The connection broke; the browser tries again by itself. */
  lose() {
    this.readyState = FakeEventSource.CONNECTING
    this.onerror?.()
  }

  /** The server refused; the browser gives up. */
  refuse() {
    this.readyState = FakeEventSource.CLOSED
    this.onerror?.()
  }

  close() {
    this.readyState = FakeEventSource.CLOSED
  }
}
