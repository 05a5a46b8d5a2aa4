"""A stand-in of the Hub on loopback: what huggingface_hub asks of it, and failures on demand.

``python test/hub_standin.py PORT`` runs one to try things by hand.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from hub_store import Blob, Repo

LARGE = ('.parquet', '.mp4', '.jpg', '.npz', '.png')
TOKEN = 'hf_standin'  # no secret: known to nobody but these tests
ME, LAB = 'me', 'lab'


@dataclass
class Fault:
    """What goes wrong with requests whose method and path match.

    status: the answer; None drops the connection after `after` bytes of the body.
    done: the request is obeyed first, only its answer is lost.
    times: how often; skip: how many are answered before.
    """

    pattern: str
    status: int | None = 503
    message: str = ''
    times: int = 1
    skip: int = 0
    after: int = 0
    done: bool = False
    headers: dict = field(default_factory=dict)


class HubStandIn(ThreadingHTTPServer):
    """The server; `url` is where, `requests` what was asked, `faults` what is to go wrong."""

    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(('127.0.0.1', port), Handler)
        self.repos: dict[str, Repo] = {}
        self.store: dict[str, bytes] = {}
        self.parts: dict[tuple, bytes] = {}
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.page = 1000
        self.chunk: int | None = None
        self.role = 'write'
        self.granted: dict = {}
        self.org_role = 'write'
        self.on_request = lambda line: None
        self.lock = threading.RLock()

    def handle_error(self, request, client_address):
        """Clients that are killed in the midst of a request are no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError | DroppedError):
            super().handle_error(request, client_address)

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server_port}'

    def asked(self, pattern):
        return [line for line in self.requests if re.search(pattern, line)]

    def fault(self, line):
        with self.lock:
            for fault in self.faults:
                if re.search(fault.pattern, line) and fault.times > 0:
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None


class DroppedError(Exception):
    """The connection is to be cut."""


class AnsweredError(Exception):
    """There is nothing left to do for a request."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    server: HubStandIn

    def log_message(self, *_):
        pass

    def handle_any(self):
        line = f'{self.command} {unquote(urlsplit(self.path).path)}'
        self.server.requests.append(line)
        self.server.on_request(line)
        fault = self.server.fault(line)
        try:
            if fault and fault.status is None and not fault.done:
                self.rfile.read(fault.after)
                raise DroppedError
            self.body = self.rfile.read(int(self.headers.get('content-length') or 0))
            if fault and not fault.done:
                self.send(fault.status, {'error': fault.message}, fault.headers)
                return
            self.drops = bool(fault)
            self.route(line)
        except AnsweredError:
            pass
        except DroppedError:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815

    def route(self, line):
        allowed = self.headers.get('authorization') == f'Bearer {TOKEN}'
        if not allowed and not line.startswith('PUT /lfs/') and '/complete/' not in line:
            self.send(401, {'error': 'Invalid credentials in Authorization header'})
            return
        with self.server.lock:
            for pattern, name in ROUTES:
                if match := re.fullmatch(pattern, line):
                    getattr(self, name)(*match.groups())
                    return
        raise AssertionError(f'huggingface_hub asks for what the stand-in does not know: {line}')

    def send(self, status, document=None, headers=None, content=None):
        if getattr(self, 'drops', False):
            raise DroppedError
        content = json.dumps(document).encode() if content is None else content
        self.send_response(status)
        headers = {'Content-Type': 'application/json', **(headers or {})}
        if document and 'error' in document:
            headers['X-Error-Message'] = document['error']
        for name, value in {'Content-Length': len(content), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(content)

    def json(self):
        return json.loads(self.body)

    def query(self):
        return {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}

    def repo(self, name, revision=None):
        """Return a repository and a commit, or answer that there is none."""
        found = self.server.repos.get(name)
        if found is None:
            self.send(404, {'error': 'Repository not found'}, {'X-Error-Code': 'RepoNotFound'})
            raise AnsweredError
        oid = found.resolve(revision or 'main')
        if oid is None:
            self.send(404, {'error': 'no revision'}, {'X-Error-Code': 'RevisionNotFound'})
            raise AnsweredError
        return found, oid

    def whoami(self):
        token = {'displayName': 't', 'role': self.server.role, 'fineGrained': self.server.granted}
        orgs = [{'name': LAB, 'roleInOrg': self.server.org_role}]
        self.send(200, {'type': 'user', 'name': ME, 'orgs': orgs, 'auth': {'accessToken': token}})

    def create(self):
        asked = self.json()
        name = f'{asked.get("organization") or ME}/{asked["name"]}'
        private = asked.get('visibility') == 'private' or bool(asked.get('private'))
        url = {'url': f'{self.server.url}/datasets/{name}'}
        if name in self.server.repos:
            self.send(409, {**url, 'error': 'You already created this dataset repo'})
            return
        self.server.repos[name] = Repo(private)
        self.send(200, url)

    def info(self, name, revision=None):
        repo, oid = self.repo(name, revision)
        siblings = [{'rfilename': path} for path in repo.commits[oid]]
        self.send(200, {
            'id': name, 'sha': oid, 'private': repo.private, 'tags': [], 'siblings': siblings,
        })  # fmt: skip

    def tree(self, name, revision, _path=None):
        repo, oid = self.repo(name, revision)
        entries = [{'type': 'directory', 'path': 'meta', 'oid': '0' * 40}]
        for path, blob in sorted(repo.commits[oid].items()):
            entry = {'type': 'file', 'path': path, 'size': len(blob.content)}
            entry['oid'] = blob.git_sha1
            if blob.large:
                entry['lfs'] = {'oid': blob.sha256, 'size': len(blob.content), 'pointerSize': 130}
            entries.append(entry)
        at = int(self.query().get('cursor', 0))
        page, headers = entries[at : at + self.server.page], {}
        if at + self.server.page < len(entries):
            place = self.path.split('?')[0]
            following = f'{self.server.url}{place}?recursive=True&cursor={at + self.server.page}'
            headers['Link'] = f'<{following}>; rel="next"'
        self.send(200, page, headers)

    def preupload(self, name, revision):
        self.repo(name, revision)
        files = [
            {
                'path': file['path'],
                'uploadMode': 'lfs' if file['path'].endswith(LARGE) else 'regular',
                'shouldIgnore': False,
            }
            for file in self.json()['files']
        ]
        self.send(200, {'files': files})

    def batch(self, _name):
        objects = []
        for item in self.json()['objects']:
            oid, size = item['oid'], item['size']
            if oid not in self.server.store:
                item['actions'] = {'upload': self.upload_action(oid, size)}
            objects.append(item)
        self.send(200, {'transfer': 'basic', 'objects': objects})

    def upload_action(self, oid, size):
        chunk = self.server.chunk
        if chunk is None or size <= chunk:
            return {'href': f'{self.server.url}/lfs/{oid}'}
        header = {
            str(number + 1): f'{self.server.url}/lfs/{oid}/{number + 1}'
            for number in range(-(-size // chunk))
        }
        header['chunk_size'] = str(chunk)
        return {'href': f'{self.server.url}/complete/{oid}', 'header': header}

    def put(self, oid):
        if hashlib.sha256(self.body).hexdigest() == oid:
            self.server.store[oid] = self.body
            self.send(200, {})
        else:
            self.send(400, {'error': 'not what its name says'})

    def put_part(self, oid, number):
        self.server.parts[oid, int(number)] = self.body
        self.send(200, {}, {'ETag': f'"{number}"'})

    def complete(self, oid):
        numbers = [part['partNumber'] for part in self.json()['parts']]
        self.body = b''.join(self.server.parts[oid, number] for number in numbers)
        self.put(oid)

    def validate(self):
        self.send(200, {'errors': [], 'warnings': []})

    def commit(self, name, branch):
        repo, head = self.repo(name, branch)
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = lines[0]['value']
        if header.get('parentCommit', head) != head:
            self.send(412, {'error': 'A commit has happened since. Please refresh and try again.'})
            return
        tree = dict(repo.commits[head])
        for line in lines[1:]:
            value = line['value']
            if line['key'] == 'file':
                tree[value['path']] = Blob(base64.b64decode(value['content']), False)
            elif line['key'] == 'lfsFile':
                tree[value['path']] = Blob(self.server.store[value['oid']], True)
            elif line['key'] == 'deletedFile' and value['path'] in tree:
                del tree[value['path']]
            else:
                self.send(400, {'error': f'{line["key"]} {value["path"]}'})
                return
        oid = repo.add(branch, tree, header['summary'])
        self.send(200, {'commitUrl': f'{self.server.url}/datasets/{name}', 'commitOid': oid})

    def refs(self, name):
        repo, _ = self.repo(name)

        def told(kind, names):
            return [
                {'name': n, 'ref': f'refs/{kind}/{n}', 'targetCommit': c} for n, c in names.items()
            ]

        self.send(200, {
            'branches': told('heads', repo.branches), 'converts': [],
            'tags': told('tags', repo.tags),
        })  # fmt: skip

    def add_tag(self, name, revision):
        repo, oid = self.repo(name, revision)
        tag = self.json()['tag']
        if tag in repo.tags:
            self.send(409, {'error': 'Tag already exists'})
            return
        repo.tags[tag] = oid
        self.send(200, {})

    def delete_tag(self, name, tag):
        repo, _ = self.repo(name, tag)
        del repo.tags[tag]
        self.send(200, {})

    def add_branch(self, name, branch):
        repo, oid = self.repo(name)
        if branch in repo.branches:
            self.send(409, {'error': 'Branch already exists'})
            return
        repo.branches[branch] = oid
        self.send(200, {})

    def resolve(self, name, revision, path):
        repo, oid = self.repo(name, revision)
        blob = repo.commits[oid].get(path)
        if blob is None:
            self.send(404, {'error': 'no such file'}, {'X-Error-Code': 'EntryNotFound'})
            return
        etag = blob.sha256 if blob.large else blob.git_sha1
        headers = {'X-Repo-Commit': oid, 'ETag': f'"{etag}"', 'Content-Type': 'text/plain'}
        self.send(200, None, headers, blob.content)


_NAME = r'([^/]+/[^/]+)'
ROUTES = [
    ('GET /api/whoami-v2', 'whoami'),
    ('POST /api/repos/create', 'create'),
    ('POST /api/validate-yaml', 'validate'),
    (f'GET /api/datasets/{_NAME}', 'info'),
    (f'GET /api/datasets/{_NAME}/revision/(.+)', 'info'),
    (f'GET /api/datasets/{_NAME}/tree/([^/]+)(/.*)?', 'tree'),
    (f'GET /api/datasets/{_NAME}/refs', 'refs'),
    (f'POST /api/datasets/{_NAME}/preupload/(.+)', 'preupload'),
    (f'POST /api/datasets/{_NAME}/commit/(.+)', 'commit'),
    (f'POST /api/datasets/{_NAME}/tag/(.+)', 'add_tag'),
    (f'DELETE /api/datasets/{_NAME}/tag/(.+)', 'delete_tag'),
    (f'POST /api/datasets/{_NAME}/branch/(.+)', 'add_branch'),
    (rf'POST /datasets/{_NAME}\.git/info/lfs/objects/batch', 'batch'),
    ('PUT /lfs/([0-9a-f]+)', 'put'),
    ('PUT /lfs/([0-9a-f]+)/([0-9]+)', 'put_part'),
    ('POST /complete/([0-9a-f]+)', 'complete'),
    (f'(?:GET|HEAD) /datasets/{_NAME}/resolve/([^/]+)/(.+)', 'resolve'),
]


@contextmanager
def running(port=0):
    """Run a stand-in in a thread."""
    server = HubStandIn(port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name='hub stand-in')
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == '__main__':
    HubStandIn(int(sys.argv[1])).serve_forever()
