import { expect, it } from 'vitest'
import { listProblems } from '@/features/containers/problems'
import { aContainer, mountApp } from '@/testing/mount'
import ProblemList from './ProblemList.vue'

it('says what is wrong in words and leads to the container', async () => {
  const problems = listProblems([
    aContainer({ id: 4, name: 'shop-api-1', state: 'exited', exit_code: 137 }),
    aContainer({ id: 5, name: 'shop-db-1', health_status: 'unhealthy' }),
  ])
  const { wrapper } = await mountApp(ProblemList, { props: { problems } })
  const rows = wrapper.findAll('[data-testid=container-row]')
  expect(rows[0]?.text()).toContain('Exited with code 137: killed (SIGKILL)')
  expect(rows[0]?.attributes()).toMatchObject({ href: '/containers/4', 'data-name': 'shop-api-1', 'data-state': 'exited' })
  expect(rows[1]?.text()).toContain('Its health check fails')
})
