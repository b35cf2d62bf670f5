import { describe, expect, it } from 'vitest'
import type { Transition } from '@/api/types'
import { mountApp } from '@/testing/mount'
import TransitionRow from './TransitionRow.vue'

const exited: Transition = {
  id: 880,
  container_id: 12,
  previous_state: 'running',
  new_state: 'exited',
  previous_health: null,
  new_health: null,
  exit_code: 139,
  log_snippet: 'first\n\x1b[31mlast\x1b[0m\n',
  error_detail: null,
  restarts: 0,
  reconciled: true,
  timestamp: '2026-03-04T09:00:00.000Z',
}

async function show(transition: Transition) {
  return (await mountApp(TransitionRow, { props: { transition } })).wrapper
}

describe('a transition', () => {
  it('explains the exit code and keeps the log at hand', async () => {
    const row = await show(exited)
    expect(row.attributes('data-state')).toBe('exited')
    expect(row.text()).toContain('Exit code 139: segmentation fault (SIGSEGV)')
    expect(row.text()).toContain('found out later')
    expect(row.get('summary').text()).toBe('Last 2 lines of the log')
    expect(row.get('[data-testid=log-snippet]').element.textContent).toBe('first\nlast\n')
    expect(row.get('.ansi-fg-1').text()).toBe('last')
  })

  it('shows only the health when only the health changed', async () => {
    const row = await show({ ...exited, previous_state: 'running', new_state: 'running', previous_health: 'healthy', new_health: 'unhealthy', exit_code: null, log_snippet: null, reconciled: false })
    expect(row.text()).toContain('Unhealthy')
    expect(row.find('[data-testid=state-badge]').exists()).toBe(false)
  })
})
