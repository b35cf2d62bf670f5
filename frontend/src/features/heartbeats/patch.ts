import type { Heartbeat, HeartbeatEvents, HeartbeatProblem } from './types'

/** What a heartbeat looks like after an event; the list is then right without asking the server again. */

function withProblem(heartbeat: Heartbeat, problem: HeartbeatProblem): Heartbeat {
  return { ...heartbeat, alert_state: 'alerting', problems: [...heartbeat.problems.filter((one) => one !== problem), problem] }
}

const withoutProblems = (heartbeat: Heartbeat): Heartbeat => ({ ...heartbeat, alert_state: 'normal', problems: [] })

/** The deadline comes with its grace; without it is when the report is expected. */
function awaiting(heartbeat: Heartbeat, deadline: string | null): Heartbeat {
  const expected = deadline && new Date(Date.parse(deadline) - heartbeat.grace_seconds * 1000).toISOString()
  return { ...heartbeat, next_deadline_at: deadline, next_expected_at: expected }
}

type Verdict = 'good' | 'bad' | 'start' | 'none'

function verdictOf({ ping_type: type, exit_code: code, status }: HeartbeatEvents['heartbeat.pinged']): Verdict {
  if (status === 'paused' || type === 'log' || type === 'ignored') return 'none'
  if (type === 'start') return 'start'
  return type === 'success' || (type === 'exit_code' && code === 0) ? 'good' : 'bad'
}

export function patchPing(known: Heartbeat, event: HeartbeatEvents['heartbeat.pinged']): Heartbeat {
  const verdict = verdictOf(event)
  const base = awaiting({ ...known, status: event.status, last_ping_at: event.last_ping_at }, event.next_deadline_at)
  if (verdict === 'none') return base
  if (verdict === 'start') return { ...base, current_run_started_at: event.timestamp }
  const isGood = verdict === 'good'
  return {
    ...(isGood ? withoutProblems(base) : withProblem(base, 'exit_code_failure')),
    last_exit_code: event.exit_code ?? known.last_exit_code,
    // Another run may still be open; how long it has been is read with the detail.
    current_run_started_at: event.status === 'started' ? known.current_run_started_at : null,
    consecutive_failures: isGood ? 0 : known.consecutive_failures + 1,
    consecutive_successes: isGood ? known.consecutive_successes + 1 : 0,
  }
}

export function patchStatus(known: Heartbeat, event: HeartbeatEvents['heartbeat.status_changed']): Heartbeat {
  const news = { ...known, status: event.new_status }
  return event.new_status === 'paused' ? withoutProblems(awaiting(news, null)) : news
}

export function patchMissed(known: Heartbeat, event: HeartbeatEvents['heartbeat.deadline_missed']): Heartbeat {
  const news = awaiting({ ...known, status: 'down', current_run_started_at: null }, event.deadline_at)
  return withProblem({ ...news, consecutive_failures: known.consecutive_failures + 1, consecutive_successes: 0 }, 'deadline_missed')
}

export const patchAlert = (known: Heartbeat, event: HeartbeatEvents['heartbeat.alert']) => withProblem(known, event.alert_type)
export const patchRecovery = withoutProblems
