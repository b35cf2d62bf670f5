import { expect, it } from 'vitest'
import { sparkPaths } from './spark'

it('draws a line through what is known', () => {
  expect(sparkPaths([0, 10], 96, 24)).toEqual({ line: 'M0 23L96 1', gaps: '' })
})

it('breaks the line at a failure and marks it', () => {
  const { line, gaps } = sparkPaths([10, null, 10], 96, 24)
  expect(line.match(/M/g)).toHaveLength(2)
  expect(gaps).toBe('M48 24v-8')
})

it('does not make a mountain of a molehill', () => {
  expect(sparkPaths([100, 101], 96, 24).line).toBe('M0 12.5L96 11.5')
  expect(sparkPaths([0, 1], 96, 24).line).toBe('M0 14.2L96 9.8')
})

it('has nothing to draw without values', () => {
  expect(sparkPaths([], 96, 24)).toEqual({ line: '', gaps: '' })
})
