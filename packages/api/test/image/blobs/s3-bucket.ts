import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Server } from '@etcd-compute/testing/s3-server';

/** A new bucket, as others than eapi see it. */
export interface TestBucket extends AsyncDisposable {
  readonly name: string;
  /** What `images.s3` of a config says. */
  readonly section: { readonly bucket: string; readonly endpoint: string } & Readonly<Record<string, unknown>>;
  /** The last parts of all keys. */
  readonly objects: () => Promise<readonly string[]>;
  /** Of uploads that are not whole. */
  readonly uploads: () => Promise<readonly string[]>;
  readonly put: (key: string, content: string) => Promise<void>;
  readonly beginUpload: (key: string) => Promise<void>;
}

export const makeBucket = async (server: S3Server, name: string): Promise<TestBucket> => {
  const { endpoint, accessKey, secretKey } = server;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  await client.send(new CreateBucketCommand({ Bucket: name }));
  const lastOf = (key = ''): string => key.split('/').at(-1) ?? '';
  return {
    name,
    section: { bucket: name, endpoint, access_key: accessKey, secret_key: secretKey },
    objects: async () => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: name }));
      return Contents.map(({ Key }) => lastOf(Key));
    },
    uploads: async () => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: name }));
      return Uploads.map(({ Key }) => lastOf(Key));
    },
    put: async (key, content) => {
      await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: content }));
    },
    beginUpload: async (key) => {
      const upload = { Bucket: name, Key: key };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(upload));
      await client.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: 'half' }));
    },
    [Symbol.asyncDispose]: async () => client.destroy(),
  };
};
