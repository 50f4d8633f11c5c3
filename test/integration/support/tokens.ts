import { createSecretKey, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import type { JWK, JWTHeaderParameters, JWTPayload } from 'jose'

/** As long as a secret must be, and easy to find where it should not be. */
export const SECRET = 'hunter2-hunter2-hunter2-hunter2-'

/** Epoch seconds, so many from now. */
export const secondsFromNow = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds

/** Claims that name `sub` for an hour, unless others say something else; `undefined` leaves a claim out. */
export function claimsOf(sub: string, others: object = {}): JWTPayload {
  return { sub, exp: secondsFromNow(3_600), ...others }
}

/** A token signed with a secret. */
export function signed(
  claims: JWTPayload,
  secret: string = SECRET,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', ...header })
    .sign(createSecretKey(secret, 'utf8'))
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** A token as somebody makes it who follows no rules: the parts as they are. */
export function forged(header: object, claims: object, signature = ''): string {
  return `${encoded(header)}.${encoded(claims)}.${signature}`
}

export type PairAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'RS512'

/** A key pair as an issuer has it. */
export class KeyPair {
  readonly algorithm: PairAlgorithm
  readonly kid: string
  readonly #privateKey: KeyObject
  readonly #publicKey: KeyObject

  constructor(algorithm: PairAlgorithm, kid: string, modulusLength = 2_048) {
    this.algorithm = algorithm
    this.kid = kid
    const { privateKey, publicKey } = pairFor(algorithm, modulusLength)
    this.#privateKey = privateKey
    this.#publicKey = publicKey
  }

  /** The public key as it stands in a key set. */
  get jwk(): JWK {
    const { kid, algorithm: alg } = this
    return { ...(this.#publicKey.export({ format: 'jwk' }) as JWK), kid, alg, use: 'sig' }
  }

  /** The public key as anybody may have it: what key confusion signs with. */
  get pem(): string {
    return this.#publicKey.export({ type: 'spki', format: 'pem' }).toString()
  }

  /** The signature of whatever text: the library signs with strong keys only. */
  rawSignature(text: string): string {
    return sign('sha256', Buffer.from(text), this.#privateKey).toString('base64url')
  }

  sign(claims: JWTPayload, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: this.algorithm, kid: this.kid, ...header })
      .sign(this.#privateKey)
  }
}

function pairFor(
  algorithm: PairAlgorithm,
  modulusLength: number,
): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  switch (algorithm) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'EdDSA':
      return generateKeyPairSync('ed25519')
    case 'RS256':
    case 'PS256':
    case 'RS512':
      return generateKeyPairSync('rsa', { modulusLength })
  }
}
