import { describe, expect, it } from 'vitest'
import { aContainer } from '@/testing/mount'
import { listProblems, problemOf } from './problems'

describe('problemOf', () => {
  it.each([
    [{}, null],
    [{ state: 'completed', exit_code: 0 }, null],
    [{ state: 'exited', exit_code: 0 }, null],
    [{ state: 'exited', exit_code: 1 }, 'exited'],
    [{ state: 'exited', exit_code: null }, 'exited'],
    [{ state: 'exited', exit_code: 137, error_detail: 'Killed because it ran out of memory' }, 'oom'],
    [{ state: 'dead' }, 'dead'],
    [{ state: 'restarting' }, 'restarting'],
    [{ restart_loop: true }, 'restart_loop'],
    [{ health_status: 'unhealthy' }, 'unhealthy'],
    [{ state: 'paused', health_status: 'unhealthy' }, null],
    [{ state: 'dead', is_ignored: true }, null],
    [{ state: 'exited', exit_code: 1, archived: true }, null],
  ] as const)('%o is %s', (part, kind) => expect(problemOf(aContainer(part))?.kind ?? null).toBe(kind))
})

it('lists the critical ones first', () => {
  const found = listProblems([
    aContainer({ name: 'fine' }),
    aContainer({ name: 'sick', health_status: 'unhealthy' }),
    aContainer({ name: 'dead', state: 'dead' }),
    aContainer({ name: 'vital', state: 'restarting', alert_severity: 'critical' }),
  ])
  expect(found.map(({ container }) => container.name)).toEqual(['vital', 'dead', 'sick'])
})
