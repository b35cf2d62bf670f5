import { onScopeDispose, readonly, shallowRef } from 'vue'
import { address, ApiError, request } from '@/api/client'
import { openStream } from './stream'
import type { LiveEvent, LiveEvents, LiveStatus, LiveType } from './types'

const NAME = 'tocsin.live'
/** Starting a big project is hundreds of events; taken together they cost one rendering. */
const BATCH_MS = 40

type Listener = (data: never, journalId: number | null) => void
type Message = { event: LiveEvent } | { status: LiveStatus } | { hello: true }

const listeners = new Map<LiveType, Set<Listener>>()
const status = shallowRef<LiveStatus>('connecting')
let stop: (() => void) | null = null

export const liveStatus = readonly(status)

/** Calls `listener` for every event of this type until the surrounding component or store is gone. */
export function onLive<T extends LiveType>(
  type: T,
  listener: (data: LiveEvents[T], journalId: number | null) => void,
): void {
  let set = listeners.get(type)
  if (!set) listeners.set(type, (set = new Set()))
  const mine = set
  mine.add(listener as Listener)
  onScopeDispose(() => mine.delete(listener as Listener))
}

export function dispatch(event: LiveEvent): void {
  for (const listener of [...(listeners.get(event.type) ?? [])]) listener(event.data as never, event.journalId)
}

let queue: LiveEvent[] = []
let timer: ReturnType<typeof setTimeout> | undefined

function receive(event: LiveEvent) {
  queue.push(event)
  timer ??= setTimeout(() => {
    const arrived = queue
    queue = []
    timer = undefined
    arrived.forEach(dispatch)
  }, BATCH_MS)
}

function setStatus(next: LiveStatus) {
  const isNew = status.value !== 'connected' && next === 'connected'
  status.value = next
  // What is read before the stream stands may be older than its first event. After a break the journal replays what was
  // missed, but not the state of the engine; asking again is cheap and always right.
  if (isNew) dispatch({ type: 'sync.required', data: {}, journalId: null })
}

/** Starts listening; call once somebody is signed in. Of several tabs one holds the stream and the others listen to it. */
export function startLive(): void {
  if (stop) return
  const canShare = 'locks' in navigator && 'BroadcastChannel' in globalThis
  stop = canShare ? listenShared() : listenAlone()
}

export function stopLive(): void {
  stop?.()
  stop = null
  queue = []
  status.value = 'connecting'
}

function openOwnStream(onEvent: (event: LiveEvent) => void, onStatus: (next: LiveStatus) => void) {
  return openStream({ url: address('/containers/events'), onEvent, onStatus, mayRetry: isStillSignedIn })
}

async function isStillSignedIn(): Promise<boolean> {
  try {
    await request('GET', '/auth/me')
    return true
  } catch (error) {
    return !(error instanceof ApiError && error.status === 401)
  }
}

function listenAlone(): () => void {
  const stream = openOwnStream(receive, setStatus)
  return () => stream.close()
}

/** The tab that gets the lock is the leader; when it closes, the browser gives the lock to the next one. */
function listenShared(): () => void {
  const channel = new BroadcastChannel(NAME)
  const giveUp = new AbortController()
  let isLeader = false
  let stream: { close: () => void } | null = null
  let release: () => void = () => {}

  function tell(message: Message) {
    channel.postMessage(message)
  }

  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if ('hello' in data) {
      if (isLeader) tell({ status: status.value })
    } else if (!isLeader) {
      if ('event' in data) receive(data.event)
      else setStatus(data.status)
    }
  }

  function lead() {
    // Between two leaders events may have been missed, by this tab and by every other.
    const isSuccessor = status.value !== 'connecting'
    isLeader = true
    stream = openOwnStream(
      (event) => {
        receive(event)
        tell({ event })
      },
      (next) => {
        setStatus(next)
        tell({ status: next })
      },
    )
    if (!isSuccessor) return
    setStatus('reconnecting')
    tell({ status: 'reconnecting' })
  }

  navigator.locks
    .request(NAME, { signal: giveUp.signal }, () => {
      lead()
      return new Promise<void>((resolve) => (release = resolve))
    })
    .catch(() => {
      // Stopped while still waiting for the lock.
    })
  tell({ hello: true })

  return () => {
    giveUp.abort()
    stream?.close()
    release()
    channel.close()
  }
}
