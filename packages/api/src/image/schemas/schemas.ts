import { CONTAINER_FORMATS, DISK_FORMATS, PATTERN_OF_ID } from '../engine/fields.js';
import { STATUSES, VISIBILITIES } from '../state/records.js';

/** What clients may ask about the form of bodies. https://docs.openstack.org/api-ref/image/v2/#image-schemas */

const readOnly = { readOnly: true } as const;
const text = { type: 'string' } as const;
const textOrNull = { type: ['null', 'string'] } as const;
const numberOrNull = { type: ['null', 'integer'] } as const;
const time = { ...text, ...readOnly } as const;

const image = {
  name: 'image',
  properties: {
    id: { ...text, pattern: PATTERN_OF_ID, description: 'An identifier for the image' },
    name: { ...textOrNull, maxLength: 255, description: 'Descriptive name for the image' },
    status: { ...text, ...readOnly, enum: STATUSES, description: 'Status of the image' },
    visibility: { ...text, enum: VISIBILITIES, description: 'Who can see it' },
    protected: { type: 'boolean', description: 'It cannot be deleted' },
    os_hidden: { type: 'boolean', description: 'It is in no list that does not ask for hidden ones' },
    checksum: { ...textOrNull, ...readOnly, maxLength: 32, description: 'MD5 of its content' },
    os_hash_algo: { ...textOrNull, ...readOnly, maxLength: 64, description: 'What os_hash_value was made with' },
    os_hash_value: { ...textOrNull, ...readOnly, maxLength: 128, description: 'Digest of its content' },
    owner: { ...textOrNull, maxLength: 255, description: 'The project that it belongs to' },
    size: { ...numberOrNull, ...readOnly, description: 'Of its content, in bytes' },
    virtual_size: { ...numberOrNull, ...readOnly, description: 'Of the disk in it, in bytes' },
    container_format: { ...textOrNull, enum: [null, ...CONTAINER_FORMATS], description: 'Format of the container' },
    disk_format: { ...textOrNull, enum: [null, ...DISK_FORMATS], description: 'Format of the disk' },
    created_at: { ...time, description: 'When it was made' },
    updated_at: { ...time, description: 'When it was last changed' },
    tags: { type: 'array', items: { ...text, maxLength: 255 }, description: 'Words that it is found by' },
    min_ram: { type: 'integer', description: 'Memory that it needs, in MiB' },
    min_disk: { type: 'integer', description: 'Disk that it needs, in GiB' },
    stores: { ...text, ...readOnly, description: 'Where its content is' },
    self: { ...text, ...readOnly, description: 'Its path' },
    file: { ...text, ...readOnly, description: 'The path of its content' },
    schema: { ...text, ...readOnly, description: 'The path of this' },
  },
  additionalProperties: text,
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
} as const;

const member = {
  name: 'member',
  properties: {
    member_id: { ...text, description: 'The project' },
    image_id: { ...text, pattern: PATTERN_OF_ID, description: 'The image' },
    status: { ...text, enum: ['pending', 'accepted', 'rejected'], description: 'What the project says of it' },
    created_at: { ...time, description: 'When it was shared' },
    updated_at: { ...time, description: 'When this last changed' },
    schema: { ...text, ...readOnly, description: 'The path of this' },
  },
} as const;

const task = {
  name: 'task',
  properties: {
    id: { ...text, pattern: PATTERN_OF_ID, description: 'An identifier for the task' },
    type: { ...text, enum: ['api_image_import'], description: 'What it does' },
    status: { ...text, enum: ['processing', 'success', 'failure'], description: 'How far it is' },
    image_id: { ...text, description: 'The image' },
    owner: { ...text, description: 'The project of the image' },
    user_id: { ...text, description: 'Who has asked for it' },
    request_id: { ...textOrNull, description: 'The request that has begun it' },
    input: { type: ['null', 'object'], description: 'What was asked for' },
    result: { type: ['null', 'object'], description: 'What came of it' },
    message: { ...text, description: 'Why it failed' },
    created_at: { ...time, description: 'When it began' },
    updated_at: { ...time, description: 'When it last changed' },
    expires_at: { ...time, description: 'When it is forgotten' },
    self: { ...text, ...readOnly, description: 'Its path' },
    schema: { ...text, ...readOnly, description: 'The path of this' },
  },
} as const;

const listOf = (name: string, item: object, hasPages: boolean): object => ({
  name,
  properties: {
    [name]: { type: 'array', items: item },
    schema: text,
    ...(hasPages && { first: text, next: text }),
  },
  ...(hasPages && {
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  }),
});

export const SCHEMAS: Readonly<Record<string, object>> = {
  image,
  images: listOf('images', image, true),
  member,
  members: listOf('members', member, false),
  task,
  tasks: listOf('tasks', task, true),
};
