import { describe, expect, it } from 'vitest'
import { aContainer } from '@/testing/mount'
import { filterFromQuery, filterToQuery, matches } from './filter'

const filter = (query: Record<string, string>) => filterFromQuery(query)

it('comes back from the address as it went in', () => {
  const query = { q: 'api', state: 'running,exited', health: 'healthy', group: 'shop', problems: '1', archived: '1' }
  expect(filterToQuery(filter(query))).toEqual(query)
})

it('ignores what nobody can mean', () => {
  expect(filterToQuery(filter({ state: 'flying', health: 'maybe', archived: 'x' }))).toEqual({})
})

describe('matches', () => {
  const api = aContainer({ name: 'shop-api-1', image: 'shop/api:2.8', health_status: 'healthy' })
  it.each([
    [{}, true],
    [{ q: 'API shop' }, true],
    [{ q: '2.8' }, true],
    [{ q: 'web' }, false],
    [{ state: 'exited' }, false],
    [{ health: 'healthy' }, true],
    [{ group: 'media' }, false],
    [{ problems: '1' }, false],
  ])('%o → %s', (query, expected) => expect(matches(api, filter(query), 'shop')).toBe(expected))
})
