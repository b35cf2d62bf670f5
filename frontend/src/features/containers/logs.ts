import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { ApiError, UNREACHABLE } from '@/api/client'
import { liveStatus } from '@/live/live'
import { getLogs, logStreamAddress, type LogSource } from './api'
import { appendLines, isAfter, MAX_LINES, type LogLine, type StreamedLine } from './logbuffer'

const FIRST_LINES = 200

/**
 * connecting · live · ended (the container stopped or is gone) · lost (the connection broke) ·
 * still (only a snapshot could be read) · failed (not even that)
 */
export type LogState = 'connecting' | 'live' | 'ended' | 'lost' | 'still' | 'failed'

/** Follows the output of a container. Lines that arrive while paused are kept aside and counted. */
export function useLogs(source: LogSource, query: () => Record<string, string> = () => ({})) {
  const lines = shallowRef<LogLine[]>([])
  const state = ref<LogState>('connecting')
  const reason = ref<string | null>(null)
  const error = shallowRef<ApiError | null>(null)
  const paused = ref(false)
  const waiting = ref(0)
  /** When kept lines ended, for a container that the engine has no longer. */
  const keptAt = ref<string | null>(null)
  let stream: EventSource | null = null
  let open = new Set<number>()
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
    const current = new EventSource(logStreamAddress(source, FIRST_LINES, query()))
    stream = current
    open = new Set()
    current.onopen = () => (state.value = 'live')
    current.onerror = () => {
      // The browser would reconnect and repeat the last lines; we decide ourselves when to go on.
      close()
      if (state.value === 'connecting' && lines.value.length === 0) void readSnapshot()
      else state.value = 'lost'
    }
    current.addEventListener('container.log_line', (message) => take(JSON.parse(message.data as string) as StreamedLine))
    current.addEventListener('container.log_skipped', (message) => {
      const gap = JSON.parse(message.data as string) as { container_id: number; from: string; to: string }
      take({ container_id: gap.container_id, line: '', stream: 'stdout', timestamp: gap.to, partial: false, gap })
    })
    current.addEventListener('container.log_error', (message) => {
      const { error: text, container_id } = JSON.parse(message.data as string) as { error: string; container_id: number }
      open.delete(container_id)
      // Of several containers the others go on; the server closes after the last one.
      if ('group' in source && open.size > 0) return
      close()
      flush()
      reason.value = text
      state.value = 'ended'
    })
  }

  function take(line: StreamedLine) {
    if (line.container_id) open.add(line.container_id)
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
    if (!('id' in source)) {
      state.value = 'lost'
      return
    }
    try {
      const tail = await getLogs(source.id, FIRST_LINES, query())
      const plain = tail.lines.map((line) => ({ line, stream: 'stdout' as const, timestamp: null, partial: false }))
      lines.value = appendLines([], tail.entries ?? plain)
      keptAt.value = tail.kept_at ?? null
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
    stream?.close()
    stream = null
  }

  /** Begins anew: something else is asked for. */
  function restart() {
    paused.value = false
    clear()
    newest = ''
    keptAt.value = null
    follow()
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

  return { lines, state, reason, error, paused, waiting, keptAt, pause, resume, clear, again, restart }
}
