#!/bin/bash
# healthy.sh PORT PATH: 0 when http://127.0.0.1:PORT/PATH answers 200. The base image has bash and neither curl nor wget.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
read -r _ status _ <&3
[ "$status" = 200 ]
