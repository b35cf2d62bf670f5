import { describe, expect, it } from 'vitest'
import { markHits, parseAnsi, stripAnsi } from './ansi'

const ESC = '\x1b'

describe('parseAnsi', () => {
  it('leaves plain text alone', () => {
    expect(parseAnsi('ready')).toEqual([{ text: 'ready', classes: '' }])
  })

  it('turns colours into classes until they are reset', () => {
    expect(parseAnsi(`${ESC}[31mERROR${ESC}[0m disk ${ESC}[1;92mfull${ESC}[39m`)).toEqual([
      { text: 'ERROR', classes: 'ansi-fg-1' },
      { text: ' disk ', classes: '' },
      { text: 'full', classes: 'ansi-fg-10 ansi-bold' },
    ])
  })

  it('brings 256 and true colours down to the sixteen', () => {
    expect(parseAnsi(`${ESC}[38;5;9mx`)[0]?.classes).toBe('ansi-fg-9')
    expect(parseAnsi(`${ESC}[38;5;196mx`)[0]?.classes).toBe('ansi-fg-9')
    expect(parseAnsi(`${ESC}[38;2;0;120;0mx`)[0]?.classes).toBe('ansi-fg-2')
    expect(parseAnsi(`${ESC}[48;5;4;1mx`)[0]?.classes).toBe('ansi-bg-4 ansi-bold')
  })

  it('takes an empty code as a reset', () => {
    expect(parseAnsi(`${ESC}[33ma${ESC}[mb`)).toEqual([
      { text: 'a', classes: 'ansi-fg-3' },
      { text: 'b', classes: '' },
    ])
  })
})

it('strips the codes for a download', () => {
  expect(stripAnsi(`${ESC}[31mERROR${ESC}[0m full`)).toBe('ERROR full')
})

describe('markHits', () => {
  it('finds a word across a change of colour, whatever its case', () => {
    const pieces = markHits(parseAnsi(`dis${ESC}[31mK full`), 'disk')
    expect(pieces.filter((piece) => piece.hit).map((piece) => piece.text)).toEqual(['dis', 'K'])
    expect(pieces.map((piece) => piece.text).join('')).toBe('disK full')
  })
})
