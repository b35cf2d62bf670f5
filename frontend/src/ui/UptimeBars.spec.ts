import { expect, it } from 'vitest'
import { mountApp } from '@/testing/mount'
import UptimeBars from './UptimeBars.vue'

it('tells in words what the bars show', async () => {
  const { wrapper } = await mountApp(UptimeBars, { props: { days: [null, 100, 98, 100] } })
  expect(wrapper.get('svg').attributes('aria-label')).toBe('Uptime of the last 4 days: 99.33%. 1 day with trouble.')
})

it('admits that it knows nothing', async () => {
  const { wrapper } = await mountApp(UptimeBars, { props: { days: [null, null] } })
  expect(wrapper.get('svg').attributes('aria-label')).toBe('No uptime known for the last 2 days.')
})
