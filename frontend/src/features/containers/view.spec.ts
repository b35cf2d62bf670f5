import { describe, expect, it } from 'vitest'
import { COLUMNS, layOut } from './view'

describe('layOut', () => {
  it('gives every chosen column a track, the image apart', () => {
    const { columns, template } = layOut(['image', 'uptime'], 1100)
    expect(columns).toEqual(['image', 'uptime'])
    expect(template).toBe('104px minmax(150px, 1fr) minmax(96px, 268px)')
  })

  it('leaves out what is needed least when there is no room', () => {
    expect(layOut(COLUMNS, 1100).columns).toEqual([...COLUMNS])
    expect(layOut(COLUMNS, 820).columns).toEqual(['image', 'host', 'health', 'uptime', 'since'])
    expect(layOut(COLUMNS, 702).columns).toEqual(['image', 'health', 'uptime', 'since'])
    expect(layOut(COLUMNS, 300).columns).toEqual(['image'])
  })

  it('shares what is left between the name and the bars', () => {
    const uptimeAt = (width: number) => layOut(['image', 'host', 'health', 'uptime', 'since'], width)
    expect(uptimeAt(820)).toMatchObject({ days: 30, template: expect.stringContaining('minmax(96px, 96px)') })
    expect(uptimeAt(1134)).toMatchObject({ days: 90, template: expect.stringContaining('minmax(96px, 223px)') })
    expect(uptimeAt(1600)).toMatchObject({ days: 90, template: expect.stringContaining('minmax(96px, 268px)') })
  })

  it('shows what was chosen, even when that is nothing', () => {
    expect(layOut([], 1100)).toEqual({ columns: [], template: '104px minmax(150px, 1fr)', days: 90 })
  })
})
