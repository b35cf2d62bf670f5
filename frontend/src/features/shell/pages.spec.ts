import { expect, it } from 'vitest'
import en from '@/locales/en.json'
import { isCurrent, PAGES } from './pages'

it('gives each page a letter of its own and a name', () => {
  expect(new Set(PAGES.map(({ key }) => key)).size).toBe(PAGES.length)
  for (const { name } of PAGES) expect(en.nav).toHaveProperty(name)
})

it.each([
  ['/containers/12', '/containers', true],
  ['/containers-old', '/containers', false],
  ['/containers', '/', false],
  ['/', '/', true],
])('%s belongs to %s: %s', (path, page, expected) => expect(isCurrent(path, page)).toBe(expected))
