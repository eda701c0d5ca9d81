#!/bin/sh
# Makes every certificate here anew, valid from 2020 for a hundred years, and `expired` for one. The keys are for tests alone.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

request() { # name, subject, key file
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$3" -out "$work/$1.csr" 2>/dev/null
}

sign() { # name, extensions, arguments of `openssl ca` that say who signs
  name=$1 extensions=$2
  shift 2
  printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/db\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nnew_certs_dir=%s\n' \
    "$work" "$work" >"$work/ca.cnf"
  printf '[p]\ncommonName=supplied\norganizationName=optional\norganizationalUnitName=optional\n[x]\n%b' "$extensions" >>"$work/ca.cnf"
  : >"$work/db"
  openssl ca -batch -notext -config "$work/ca.cnf" -extensions x -preserveDN -in "$work/$name.csr" -out "$name.pem" \
    -startdate 20200101000000Z -enddate "${until:-21200101000000Z}" "$@" 2>/dev/null
}

authority() { # name, subject
  request "$1" "$2" "$work/$1.key"
  sign "$1" 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n' \
    -selfsign -keyfile "$work/$1.key"
}

certificate() { # name, authority, subject, extensions
  request "$1" "$3" "$1.key"
  sign "$1" "$4" -cert "$2.pem" -keyfile "$work/$2.key"
}

authority ca "/CN=Trunkline test authority"
authority other-ca "/CN=Another authority"
certificate server ca "/CN=localhost" \
  'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth\n'
certificate elsewhere ca "/CN=elsewhere.example" 'subjectAltName=DNS:elsewhere.example\nextendedKeyUsage=serverAuth\n'
certificate client ca "/O=Trunkline/CN=a client" \
  'subjectAltName=DNS:client.example,URI:spiffe://example/client\nextendedKeyUsage=clientAuth\n'
certificate sly ca "/O=Ops, CN=root/OU=one/OU=two/CN=mallory, O=Trunkline" \
  'subjectAltName=@names\nextendedKeyUsage=clientAuth\n[names]\nURI.1=spiffe://example/a, DNS:admin.example\nDNS.1=sly.example\n'
certificate stranger other-ca "/CN=a stranger" 'extendedKeyUsage=clientAuth\n'
authority next-ca "/CN=The next authority"
certificate next-server next-ca "/CN=localhost" \
  'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth\n'
certificate next-client next-ca "/CN=a renewed client" \
  'subjectAltName=URI:spiffe://example/client\nextendedKeyUsage=clientAuth\n'
until=20210101000000Z
certificate expired ca "/CN=localhost" \
  'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth,clientAuth\n'
chmod 644 ./*.key
