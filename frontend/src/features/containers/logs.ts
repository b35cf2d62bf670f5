import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { ApiError, UNREACHABLE } from '@/api/client'
import { liveStatus } from '@/live/live'
import { getLogs, logStreamAddress } from './api'
import { appendLines, isAfter, MAX_LINES, type LogLine, type StreamedLine } from './logbuffer'

const FIRST_LINES = 200

/**
 * connecting · live · ended (the container stopped or is gone) · lost (the connection broke) ·
 * still (only a snapshot could be read) · failed (not even that)
 */
export type LogState = 'connecting' | 'live' | 'ended' | 'lost' | 'still' | 'failed'

/** Follows the output of a container. Lines that arrive while paused are kept aside and counted. */
export function useLogs(containerId: number) {
  const lines = shallowRef<LogLine[]>([])
  const state = ref<LogState>('connecting')
  const reason = ref<string | null>(null)
  const error = shallowRef<ApiError | null>(null)
  const paused = ref(false)
  const waiting = ref(0)
  let source: EventSource | null = null
  let pending: StreamedLine[] = []
  let frame = 0
  let newest = ''
  let resumeAfter = ''

  function follow() {
    close()
    state.value = 'connecting'
    reason.value = null
    error.value = null
    resumeAfter = newest
    const current = new EventSource(logStreamAddress(containerId, FIRST_LINES))
    source = current
    current.onopen = () => (state.value = 'live')
    current.onerror = () => {
      // The browser would reconnect and repeat the last lines; we decide ourselves when to go on.
      close()
      if (state.value === 'connecting' && lines.value.length === 0) void readSnapshot()
      else state.value = 'lost'
    }
    current.addEventListener('container.log_line', (message) => take(JSON.parse(message.data as string) as StreamedLine))
    current.addEventListener('container.log_error', (message) => {
      close()
      flush()
      const { error: text } = JSON.parse(message.data as string) as { error: string }
      reason.value = text
      state.value = 'ended'
    })
  }

  function take(line: StreamedLine) {
    // A stream that was opened again starts with lines that are here already. Within one stream nothing is dropped:
    // the two outputs of a container do not come in strict order.
    if (resumeAfter && line.timestamp && !isAfter(line.timestamp, resumeAfter)) return
    if (line.timestamp && (!newest || isAfter(line.timestamp, newest))) newest = line.timestamp
    pending.push(line)
    if (pending.length > MAX_LINES) pending = pending.slice(-MAX_LINES)
    if (paused.value) waiting.value = Math.min(waiting.value + 1, MAX_LINES)
    else frame ||= requestAnimationFrame(flush)
  }

  /** One render per frame, however fast the container writes. */
  function flush() {
    frame = 0
    if (paused.value || pending.length === 0) return
    const arrived = pending
    pending = []
    lines.value = appendLines(lines.value, arrived)
  }

  async function readSnapshot() {
    try {
      const tail = await getLogs(containerId, FIRST_LINES, false)
      const read = tail.lines.map((line) => ({ line, stream: 'stdout' as const, timestamp: null, partial: false }))
      lines.value = appendLines([], read)
      state.value = 'still'
    } catch (cause) {
      error.value = cause as ApiError
      state.value = cause instanceof ApiError && cause.code === UNREACHABLE ? 'lost' : 'failed'
    }
  }

  function pause() {
    paused.value = true
  }

  function resume() {
    paused.value = false
    waiting.value = 0
    flush()
  }

  function clear() {
    lines.value = []
    pending = []
    waiting.value = 0
  }

  function close() {
    source?.close()
    source = null
  }

  function again() {
    // A snapshot has no instants to compare with, so it makes room for the stream.
    if (state.value === 'still') clear()
    follow()
  }

  // After a restart of the server, go on by ourselves.
  watch(liveStatus, (status) => {
    if (status === 'connected' && state.value === 'lost') again()
  })
  follow()
  onScopeDispose(() => {
    close()
    cancelAnimationFrame(frame)
  })

  return { lines, state, reason, error, paused, waiting, pause, resume, clear, again }
}
