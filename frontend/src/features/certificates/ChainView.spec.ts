import { expect, it } from 'vitest'
import { aCertificate, mountApp } from '@/testing/mount'
import ChainView from './ChainView.vue'
import type { CertificateCheckDetail } from './types'

it('leads from the host to the root, and says where it breaks', async () => {
  const { latest_check } = aCertificate({ hostname: 'shop.example' })
  const link = { id: 1, check_result_id: 1, position: 0, subject_cn: 'shop.example', issuer_cn: 'R11', not_before: '2026-01-01T00:00:00Z', not_after: '2099-01-01T00:00:00Z' }
  const check = { ...latest_check, chain: [link], chain_valid: false, chain_fault: 'incomplete' } as CertificateCheckDetail
  const { wrapper } = await mountApp(ChainView, { props: { check } })
  const nodes = wrapper.findAll('[data-testid=chain] li')
  expect(nodes.map((node) => node.attributes('data-role'))).toEqual(['leaf', 'anchor'])
  expect(nodes[0]?.text()).toContain('signed by R11')
  expect(nodes[1]?.text()).toContain('the chain breaks here')
  expect(wrapper.text()).toContain('does not lead to a root that is trusted')
})
