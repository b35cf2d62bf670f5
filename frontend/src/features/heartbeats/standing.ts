import type { Tone } from '@/lib/tone'
import type { Mark } from '@/ui/marks'
import type { Heartbeat, HeartbeatProblem, HeartbeatStatus, Outcome, PingType } from './types'

export const STATUS_TONES: Record<HeartbeatStatus, Tone> = { up: 'ok', started: 'info', down: 'bad', new: 'idle', paused: 'info' }
export const STATUS_MARKS: Record<HeartbeatStatus, Mark> = { up: 'disc', started: 'turn', down: 'square', new: 'ring', paused: 'pause' }

export const OUTCOME_TONES: Record<Outcome, Tone> = { success: 'ok', failure: 'bad', timeout: 'bad', in_progress: 'info' }
export const OUTCOME_MARKS: Record<Outcome, Mark> = { success: 'check', failure: 'cross', timeout: 'square', in_progress: 'turn' }

export const PING_MARKS: Record<PingType, Mark> = {
  success: 'check', start: 'turn', exit_code: 'disc', fail: 'cross', log: 'ring', ignored: 'pause',
}

/** An exit code is good or bad by its number; what nothing follows from is neither. */
export function pingTone({ ping_type: type, exit_code: code }: { ping_type: PingType; exit_code: number | null }): Tone {
  if (type === 'fail' || (type === 'exit_code' && code !== 0)) return 'bad'
  if (type === 'success' || type === 'exit_code') return 'ok'
  return type === 'start' ? 'info' : 'idle'
}

/** A run that takes too long may still end well. */
export const problemTone = (problem: HeartbeatProblem): 'bad' | 'warn' => (problem === 'overrun' ? 'warn' : 'bad')

type Standable = Pick<Heartbeat, 'status' | 'problems'>

/** Whether somebody should look at it. */
export const isInTrouble = ({ status, problems }: Standable) => status === 'down' || (status !== 'paused' && problems.length > 0)

function rank(heartbeat: Standable): number {
  if (heartbeat.status === 'down') return 0
  if (isInTrouble(heartbeat)) return 1
  if (heartbeat.status === 'started') return 2
  return heartbeat.status === 'paused' ? 4 : 3
}

/** A start is a ping too, though it is not what is waited for. */
export function lastHeard({ last_ping_at: ping, current_run_started_at: start }: Pick<Heartbeat, 'last_ping_at' | 'current_run_started_at'>): string | null {
  return ping && start ? (ping > start ? ping : start) : (ping ?? start)
}

const byName = new Intl.Collator(undefined, { numeric: true })

/** Those in trouble first, then those that are running, then what is expected next. */
export function inOrder(heartbeats: Iterable<Heartbeat>): Heartbeat[] {
  // The instants all have the same form, so they can be compared as they are.
  const due = ({ next_deadline_at: at }: Heartbeat) => at ?? '9'
  const compareDue = (a: Heartbeat, b: Heartbeat) => (due(a) < due(b) ? -1 : due(a) > due(b) ? 1 : 0)
  return [...heartbeats].sort((a, b) => rank(a) - rank(b) || compareDue(a, b) || byName.compare(a.name, b.name) || a.id - b.id)
}
