import { describe, expect, it } from 'vitest'
import type { AuditEntry } from '@/api/types'
import { readAgent } from './agent'
import { changes, nameOf, subject } from './sentence'

const entry = (part: Partial<AuditEntry>): AuditEntry => ({
  id: 1, at: '2026-03-04T09:00:00.000Z', actor: 'user:ada', action: 'user.update', entity: 'user:3', address: null, change: {}, ...part,
})

describe('what a browser says of itself', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox', 'Linux'],
    ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/149.0 Safari/537.36 Edg/149.0', 'Edge', 'Windows'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1', 'Safari', 'iOS'],
    ['curl/8.5.0', 'curl', ''],
    ['', '', ''],
  ])('%s', (agent, browser, system) => expect(readAgent(agent)).toEqual({ browser, system }))
})

describe('a line of the audit', () => {
  it('shows what changed, and plain values as they are', () => {
    const change = { role: { before: 'viewer', after: 'admin' }, name: { before: null, after: 'grace' }, session: 4 }
    expect(changes(entry({ change }))).toEqual([
      { field: 'role', before: 'viewer', after: 'admin' },
      { field: 'name', before: '–', after: 'grace' },
      { field: 'session', before: '', after: '4' },
    ])
    expect(subject(entry({ change }))).toBe('grace')
  })

  it('falls back to the entity, and names people without their kind', () => {
    expect(subject(entry({}))).toBe('user 3')
    expect(subject(entry({}), new Map([['user:3', 'grace']]))).toBe('grace')
    expect([nameOf('user:ada'), nameOf('shell')]).toEqual(['ada', 'shell'])
  })
})
