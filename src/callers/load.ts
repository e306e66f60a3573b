import { refreshing } from '../refreshing.ts';
import { type Admit, admitCallers, admitEveryone, type VerifyToken } from './admission.ts';
import type { EntraOptions } from './entra.ts';

/** Who may call: the holder of a function key (checked by the Functions host) or of an Entra token (checked here). */
export type AdmissionOptions =
  | { readonly mode: 'functionKey' }
  | ({
      readonly mode: 'entra';
      /** Object ids (`oid`) of the identities that may call, in lower case. */
      readonly allowedCallers: readonly string[];
    } & EntraOptions);

/** The admission that the options ask for. jose is a bundle of its own, loaded for Entra tokens only. */
export function loadAdmission(options: AdmissionOptions): Admit {
  if (options.mode === 'functionKey') return admitEveryone;
  const verifier = import('./entra.ts').then(({ createEntraVerifier }) =>
    createEntraVerifier(options, { keep: refreshing }),
  );
  // Whoever awaits it hears of a failure.
  verifier.catch(() => {});
  const verify: VerifyToken = async (token) => (await verifier)(token);
  return admitCallers(verify, options.allowedCallers);
}
