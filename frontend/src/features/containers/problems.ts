import type { Container } from '@/api/types'

export type ProblemKind = 'dead' | 'oom' | 'exited' | 'restart_loop' | 'unhealthy' | 'restarting'

export interface Problem {
  kind: ProblemKind
  tone: 'bad' | 'warn'
}

type Watched = Pick<
  Container,
  'state' | 'health_status' | 'exit_code' | 'error_detail' | 'restart_loop' | 'is_ignored' | 'archived'
>

/** What is wrong with a container, the worst thing first; null when nobody needs to look at it. */
export function problemOf(container: Watched): Problem | null {
  if (container.is_ignored || container.archived) return null
  if (container.state === 'dead') return { kind: 'dead', tone: 'bad' }
  if (container.restart_loop) return { kind: 'restart_loop', tone: 'bad' }
  if (container.state === 'exited' && container.exit_code !== 0) {
    return { kind: isOutOfMemory(container.error_detail) ? 'oom' : 'exited', tone: 'bad' }
  }
  if (container.state === 'running' && container.health_status === 'unhealthy') return { kind: 'unhealthy', tone: 'bad' }
  if (container.state === 'restarting') return { kind: 'restarting', tone: 'warn' }
  return null
}

export function isOutOfMemory(detail: string | null): boolean {
  return /\boom|out of memory/i.test(detail ?? '')
}

const RANK: Record<ProblemKind, number> = { dead: 0, restart_loop: 1, oom: 2, exited: 3, unhealthy: 4, restarting: 5 }
const SEVERITY: Record<Container['alert_severity'], number> = { critical: 0, warning: 1, info: 2 }

/** Most severe first, then by kind; among equals the newest, as that is the one being looked for. */
export function listProblems(containers: Iterable<Container>): { container: Container; problem: Problem }[] {
  const found: { container: Container; problem: Problem }[] = []
  for (const container of containers) {
    const problem = problemOf(container)
    if (problem) found.push({ container, problem })
  }
  return found.sort(
    (a, b) =>
      SEVERITY[a.container.alert_severity] - SEVERITY[b.container.alert_severity] ||
      RANK[a.problem.kind] - RANK[b.problem.kind] ||
      b.container.last_state_change_at.localeCompare(a.container.last_state_change_at) ||
      a.container.id - b.container.id,
  )
}

/** Exit codes with a meaning of their own; the words are in the locale files under `exit.<name>`. */
const EXIT_NAMES: Record<number, string> = {
  0: 'success',
  125: 'engine',
  126: 'not_executable',
  127: 'not_found',
  130: 'interrupted',
  134: 'aborted',
  137: 'killed',
  139: 'segfault',
  143: 'terminated',
}

export function exitName(code: number): string | null {
  return EXIT_NAMES[code] ?? null
}
