import type { CertificateCheckDetail, ChainFault } from './types'

export interface ChainNode {
  /** `anchor` is not sent by the server: it is what the last certificate says signed it. */
  role: 'leaf' | 'between' | 'root' | 'anchor'
  subject: string
  issuer: string | null
  notBefore: string | null
  notAfter: string | null
  /** What is wrong from here on upwards. */
  fault: ChainFault | null
}

/** The chain as it was presented, leaf first, and the root that it leads to, or should. */
export function chainNodes(check: Pick<CertificateCheckDetail, 'chain' | 'chain_fault'>, now: number): ChainNode[] {
  const links = [...check.chain].sort((a, b) => a.position - b.position)
  const nodes: ChainNode[] = links.map((link, index) => {
    const isSelfSigned = link.subject_cn === link.issuer_cn
    return {
      role: index === 0 ? 'leaf' : isSelfSigned ? 'root' : 'between',
      subject: link.subject_cn,
      issuer: link.issuer_cn,
      notBefore: link.not_before,
      notAfter: link.not_after,
      fault: null,
    }
  })
  const last = nodes.at(-1)
  if (!last) return []
  const isWhole = last.issuer === last.subject
  if (!isWhole) nodes.push({ role: 'anchor', subject: last.issuer ?? '', issuer: null, notBefore: null, notAfter: null, fault: null })
  const fault = check.chain_fault
  if (!fault) return nodes
  // An expired link can be pointed at; every other fault is at the end that leads nowhere.
  const isOver = ({ notAfter }: ChainNode) => notAfter !== null && Date.parse(notAfter) < now
  const broken = fault === 'expired_in_chain' ? (nodes.find(isOver) ?? nodes.at(-1)) : nodes.at(-1)
  return nodes.map((node) => (node === broken ? { ...node, fault } : node))
}
