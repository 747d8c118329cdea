"""An FTP server for tests: ftp_server.py ROOT LOG

Anonymous users read ROOT, and so does alice with the password "s3cret%". Prints
its port; every command goes to LOG. Some names are served badly: who asks for
"hang" gets no reply, "cut" is broken off, and who logs in as "mute" is refused
and gets no reply to anything after that.
"""
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, FTPHandler
from pyftpdlib.servers import FTPServer


class Data(DTPHandler):
    def send(self, data):
        sent = super().send(data)
        if self.cmd_channel.is_cut:
            self.cmd_channel.close()
        return sent


class Handler(FTPHandler):
    dtp_handler = Data
    auth_failed_timeout = 0
    use_sendfile = False
    is_cut = False
    is_mute = False

    def pre_process_command(self, line, cmd, arg):
        print(line, file=log, flush=True)
        if not self.is_mute:
            super().pre_process_command(line, cmd, arg)

    def ftp_RETR(self, file):
        self.is_cut = file.endswith("/cut")
        return None if file.endswith("/hang") else super().ftp_RETR(file)

    def on_login_failed(self, username, password):
        self.is_mute = username == "mute"


log = open(sys.argv[2], "a", encoding="latin-1")
users = DummyAuthorizer()
users.add_anonymous(sys.argv[1], perm="elr")
users.add_user("alice", "s3cret%", sys.argv[1], perm="elr")
Handler.authorizer = users
server = FTPServer(("127.0.0.1", 0), Handler)
print(server.address[1], flush=True)
server.serve_forever()
