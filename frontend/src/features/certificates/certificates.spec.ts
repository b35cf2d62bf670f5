import { describe, expect, it } from 'vitest'
import { aCertificate } from '@/testing/mount'
import { chainNodes } from './chain'
import { daysText } from './days'
import { bodyOf, changeOf, draftOf, intervalsWith, parseDays } from './draft'
import { filterFromQuery, filterToQuery, matches } from './filter'
import { inOrder, lifeLeft, placeOf } from './standing'
import type { ChainLink } from './types'

const NOW = Date.parse('2026-03-04T12:00:00Z')
const link = (position: number, subject_cn: string, issuer_cn: string, not_after = '2027-01-01T00:00:00Z'): ChainLink => ({
  id: position, check_result_id: 1, position, subject_cn, issuer_cn, not_before: '2026-01-01T00:00:00Z', not_after,
})

describe('the chain', () => {
  it('ends at the root that was not sent', () => {
    const nodes = chainNodes({ chain: [link(1, 'R11', 'Root X1'), link(0, 'shop', 'R11')], chain_fault: null }, NOW)
    expect(nodes.map(({ role, subject, fault }) => [role, subject, fault])).toEqual([
      ['leaf', 'shop', null],
      ['between', 'R11', null],
      ['anchor', 'Root X1', null],
    ])
  })

  it('shows where it leads nowhere', () => {
    const nodes = chainNodes({ chain: [link(0, 'shop', 'R11')], chain_fault: 'incomplete' }, NOW)
    expect(nodes.map(({ role, fault }) => [role, fault])).toEqual([['leaf', null], ['anchor', 'incomplete']])
  })

  it('is only itself when it signed itself', () => {
    const nodes = chainNodes({ chain: [link(0, 'nas', 'nas')], chain_fault: 'self_signed' }, NOW)
    expect(nodes.map(({ role, fault }) => [role, fault])).toEqual([['leaf', 'self_signed']])
  })

  it('points at the link that is over', () => {
    const chain = [link(0, 'shop', 'R11'), link(1, 'R11', 'Root', '2026-02-01T00:00:00Z'), link(2, 'Root', 'Root')]
    const nodes = chainNodes({ chain, chain_fault: 'expired_in_chain' }, NOW)
    expect(nodes.map(({ role, fault }) => [role, fault])).toEqual([['leaf', null], ['between', 'expired_in_chain'], ['root', null]])
  })

  it('has nothing to show when nothing was sent', () => expect(chainNodes({ chain: [], chain_fault: null }, NOW)).toEqual([]))
})

it.each([
  [null, 'certificate.days_unknown 0'],
  [5, 'certificate.days_left 5'],
  [0, 'certificate.days_left 0'],
  [-1, 'certificate.ended 0'],
  [-4, 'certificate.ended 3'],
])('says how many whole days are left or gone: %s', (days, said) => {
  expect(daysText(days, (key, count) => `${key} ${count}`)).toBe(said)
})

describe('the list', () => {
  it('puts on top what nobody can read, then what ends first', () => {
    const list = inOrder([
      aCertificate({ hostname: 'new', days_remaining: null }),
      aCertificate({ hostname: 'b', days_remaining: 60 }),
      aCertificate({ hostname: 'a', days_remaining: 60 }),
      aCertificate({ hostname: 'over', days_remaining: -3, problems: ['expired'] }),
      aCertificate({ hostname: 'lost', days_remaining: null, problems: ['unreachable'] }),
      aCertificate({ hostname: 'failed once', days_remaining: null, status: 'error' }),
    ])
    expect(list.map(({ hostname }) => hostname)).toEqual(['failed once', 'lost', 'over', 'a', 'b', 'new'])
  })

  it('is filtered by what stands in the address', () => {
    const query = { q: 'encrypt', status: 'expired,expiring', source: 'auto' }
    const filter = filterFromQuery(query)
    expect(filterToQuery(filter)).toEqual(query)
    expect(matches(aCertificate({ status: 'expiring', source: 'auto' }), filter)).toBe(true)
    expect(matches(aCertificate({ status: 'valid', source: 'auto' }), filter)).toBe(false)
    expect(matches(aCertificate({ status: 'expiring', source: 'auto' }), { ...filter, search: 'zerossl' })).toBe(false)
  })

  it('names a place without its usual port', () => {
    expect(placeOf({ hostname: 'shop', port: 443 })).toBe('shop')
    expect(placeOf({ hostname: '2001:db8::7', port: 8443 })).toBe('[2001:db8::7]:8443')
  })

  it('knows how much life is left', () => {
    const check = { not_before: '2026-03-01T12:00:00Z', not_after: '2026-03-13T12:00:00Z' }
    expect(lifeLeft(check, NOW)).toBe(0.75)
    expect(lifeLeft(check, Date.parse('2027-01-01'))).toBe(0)
    expect(lifeLeft(null, NOW)).toBeNull()
  })
})

describe('what is asked for', () => {
  it('leaves the usual to the server', () => {
    expect(bodyOf({ ...draftOf(null), hostname: ' mail.example.org ', protocol: 'smtp' })).toEqual({ hostname: 'mail.example.org', protocol: 'smtp' })
    expect(bodyOf({ ...draftOf(null), hostname: 'x', port: '8443', interval: '3600' })).toEqual({
      hostname: 'x', protocol: 'tls', port: 8443, check_interval_seconds: 3600,
    })
  })

  it('changes only what was touched, and thresholds together with the share of the lifetime', () => {
    const certificate = aCertificate({ warn_at_lifetime_percent: 33 })
    expect(changeOf(draftOf(certificate), certificate)).toEqual({})
    expect(changeOf({ ...draftOf(certificate), thresholds: '20 5' }, certificate)).toEqual({ warning_thresholds: [20, 5], warn_at_lifetime_percent: 33 })
    expect(changeOf({ ...draftOf(certificate), lifetime: '' }, certificate)).toEqual({ warn_at_lifetime_percent: null })
  })

  it('reads days as people write them', () => expect(parseDays('30, 14;7  1')).toEqual([30, 14, 7, 1]))

  it('offers an interval that was set by other means', () => expect(intervalsWith('7200')).toContain('7200'))
})
