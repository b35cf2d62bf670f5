import { expect, it } from 'vitest'
import { listProblems } from '@/features/containers/problems'
import { aCertificate, aContainer, aHeartbeat, anEndpoint, mountApp } from '@/testing/mount'
import ProblemList from './ProblemList.vue'
import { listTrouble } from './trouble'

it('says what is wrong in words and leads to the container', async () => {
  const problems = listProblems([
    aContainer({ id: 4, name: 'shop-api-1', state: 'exited', exit_code: 137 }),
    aContainer({ id: 5, name: 'shop-db-1', health_status: 'unhealthy' }),
  ])
  const { wrapper } = await mountApp(ProblemList, { props: { troubles: listTrouble(problems, [], [], []) } })
  const rows = wrapper.findAll('[data-testid=container-row]')
  expect(rows[0]?.text()).toContain('Exited with code 137: killed (SIGKILL)')
  expect(rows[0]?.attributes()).toMatchObject({ href: '/containers/4', 'data-name': 'shop-api-1', 'data-state': 'exited' })
  expect(rows[1]?.text()).toContain('Its health check fails')
})

it('lists endpoints, heartbeats and certificates too, what is broken before what will be', async () => {
  const troubles = listTrouble(
    listProblems([aContainer({ name: 'mailer', state: 'restarting' })]),
    [anEndpoint({ id: 7, name: 'Shop', status: 'down', last_error: 'status 503' })],
    [
      aHeartbeat({ id: 3, name: 'slow backup', status: 'started', problems: ['overrun'] }),
      aHeartbeat({ id: 4, name: 'silent backup', status: 'down', problems: ['deadline_missed'], last_ping_at: null }),
    ],
    [
      aCertificate({ id: 1, hostname: 'soon', status: 'expiring', problems: ['expiring'], days_remaining: 5 }),
      aCertificate({ id: 2, hostname: 'over', status: 'expired', problems: ['expired', 'chain_invalid'], days_remaining: -3 }),
    ],
  )
  const { wrapper } = await mountApp(ProblemList, { props: { troubles } })
  const links = wrapper.findAll('a').map((link) => link.attributes('data-name'))
  expect(links).toEqual(['Shop', 'silent backup', 'over', 'mailer', 'slow backup', 'soon'])
  expect(wrapper.get('[href="/endpoints/7"]').text()).toContain('status 503')
  expect(wrapper.get('[href="/heartbeats/4"]').text()).toContain('Did not report in · never pinged')
  expect(wrapper.get('[href="/certificates/2"]').text()).toContain('Expired · Not trusted')
  expect(wrapper.get('[href="/certificates/1"]').text()).toContain('5 days left')
})
