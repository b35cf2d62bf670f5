import { describe, expect, it } from 'vitest'
import { aContainer } from '@/testing/mount'
import { findByName, nearNames, stablePath } from './names'

const api = aContainer({ name: 'shop-api-1', host: 'alpha' })
const twin = aContainer({ name: 'shop-api-1', host: 'beta' })
const db = aContainer({ name: 'shop-db-1', host: 'alpha' })
const older = aContainer({ name: 'blog', archived: true, archived_at: '2026-01-01T00:00:00.000Z' })
const newer = aContainer({ name: 'blog', archived: true, archived_at: '2026-02-01T00:00:00.000Z' })

describe('findByName', () => {
  it.each([
    ['shop-db-1', undefined, [db]],
    ['shop-api-1', undefined, [api, twin]],
    ['shop-api-1', 'beta', [twin]],
    ['SHOP-DB-1', undefined, [db]],
    ['shop-api', undefined, []],
    ['shop-db-1', 'beta', []],
    ['blog', undefined, [newer]],
  ])('%s on %s', (name, host, expected) => {
    expect(findByName([api, twin, db, older, newer], name, host)).toEqual(expected)
  })

  it('prefers the one that lives', () => {
    const alive = aContainer({ name: 'blog' })
    expect(findByName([older, newer, alive], 'blog')).toEqual([alive])
  })
})

it('suggests what looks alike, the likest first', () => {
  expect(nearNames([db, api, older], 'shop-ap-1')).toEqual([api, db])
  expect(nearNames([db, api, older], 'grafana')).toEqual([])
})

it('names the host only when there are several, and escapes', () => {
  expect(stablePath(api, false)).toBe('/c/shop-api-1')
  expect(stablePath({ name: 'a/b c', host: 'ü' }, true)).toBe('/c/%C3%BC/a%2Fb%20c')
})
