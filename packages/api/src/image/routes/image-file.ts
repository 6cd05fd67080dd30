import { badRequest, conflict, forbidden, HttpError } from '../../http/http-error.js';
import { callerOf, paramOf, type ApiReply, type ApiRequest, type Route } from '../../http/route.js';
import { readRange } from '../blobs/range.js';
import { isAdmin } from '../engine/access.js';
import { needImage, targetOf } from '../engine/find-image.js';
import { stage, upload } from '../engine/upload.js';
import type { Images } from '../images.js';
import type { Image } from '../state/records.js';

export const createFileRoutes = (images: Images): readonly Route[] => {
  const target = targetOf(images);
  const route = (name: 'upload_image' | 'stage_image', path: string, put: typeof upload): Route => ({
    method: 'PUT',
    path,
    rule: name,
    target,
    streams: 'in',
    handle: async (request) => {
      const image = needImage(images.store.view(), paramOf(request, 'id'), callerOf(request));
      const stream = needStream(request);
      checkMayReceive(image);
      await put(images, image, { stream, announcedBytes: lengthOf(request) });
      return { status: 204 };
    },
  });
  return [
    route('upload_image', '/v2/images/:id/file', upload),
    route('stage_image', '/v2/images/:id/stage', stage),
    {
      method: 'GET',
      path: '/v2/images/:id/file',
      rule: 'download_image',
      target,
      streams: 'out',
      handle: async (request) => {
        const image = needImage(images.store.view(), paramOf(request, 'id'), callerOf(request));
        if (image.status === 'deactivated' && !isAdmin(callerOf(request)))
          throw forbidden('The requested image has been deactivated. Image data download is forbidden.');
        return send(images, image, request);
      },
    },
  ];
};

const needStream = ({ stream }: ApiRequest): NonNullable<ApiRequest['stream']> => {
  if (!stream) throw new HttpError(415, 'The Content-Type of a file must be application/octet-stream.');
  return stream;
};

const lengthOf = ({ header }: ApiRequest): number | undefined => {
  const text = header('x-openstack-image-size') ?? header('content-length');
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
};

const checkMayReceive = ({ id, status, disk_format, container_format }: Image): void => {
  if (status !== 'queued') throw conflict(`Image ${id} is ${status}: only a queued image takes a file.`);
  const missing = Object.entries({ disk_format, container_format }).flatMap(([name, value]) =>
    value === null ? [name] : [],
  );
  if (missing.length > 0) throw badRequest(`Properties ${missing.join(', ')} must be set prior to saving data.`);
};

const send = async ({ blobs }: Images, { blob }: Image, request: ApiRequest): Promise<ApiReply> => {
  if (!blob) return { status: 204 };
  const opened = await blobs.open(blob);
  try {
    const range = readRange(request.header('range'), opened.size);
    const length = range ? range.end - range.start + 1 : opened.size;
    return {
      status: range ? 206 : 200,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': length.toString(),
        'accept-ranges': 'bytes',
        ...(range
          ? { 'content-range': `bytes ${range.start}-${range.end}/${opened.size}` }
          : { 'content-md5': blob.md5 }),
      },
      stream: opened.read(range),
    };
  } catch (err) {
    await opened[Symbol.asyncDispose]();
    throw err;
  }
};
