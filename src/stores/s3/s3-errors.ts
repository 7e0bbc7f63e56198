/** The parts of an error of `@aws-sdk/client-s3` that this package reads. */
interface S3Error {
  readonly name?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
}

function statusOf(error: unknown): unknown {
  return (error as S3Error | null)?.$metadata?.httpStatusCode;
}

function nameOf(error: unknown): string {
  const name = (error as S3Error | null)?.name;
  return typeof name === 'string' ? name : '';
}

/** Whether a write's condition isn't met, or another write with a condition was under way (409). */
export function isConditionNotMet(error: unknown): boolean {
  const status = statusOf(error);
  return status === 412 || (status === 409 && nameOf(error) === 'ConditionalRequestConflict');
}

/** Whether there's no such object. A missing bucket has the same status. */
export function isMissing(error: unknown): boolean {
  return statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket';
}

const CREDENTIALS =
  /^(InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|TokenRefreshRequired|CredentialsProviderError)/;
const REGION =
  /^(PermanentRedirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint)/;

/**
 * What a user can do about an error of the client. It names what S3 documents:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 *
 * @returns a sentence, or ''.
 */
export function adviceFor(error: unknown, bucket: string): string {
  const [name, status] = [nameOf(error), statusOf(error)];
  if (name === 'NoSuchBucket') return `Create the bucket '${bucket}' first, or correct \`bucket\`.`;
  if (CREDENTIALS.test(name)) return "Check the client's credentials: they are wrong, or have run out.";
  if (REGION.test(name) || status === 301) {
    return "Give the client the bucket's `region`, or `followRegionRedirects: true`.";
  }
  if (name === 'RequestTimeTooSkewed') return "Set this computer's clock: it differs from the store's.";
  if (status === 403) {
    return 'The credentials must allow s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject there.';
  }
  return '';
}
