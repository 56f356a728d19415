using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace PmemFleet.Api.Hosting;

/// <summary>PMEMFLEET__API__TLS__*: the certificate of <c>https://</c> addresses.</summary>
public sealed class TlsOptions
{
    /// <summary>PEM: the certificate, and behind it those between it and a root.</summary>
    public string? Certificate { get; set; }

    /// <summary>PEM: its private key.</summary>
    public string? Key { get; set; }

    public string? KeyPassword { get; set; }
}

/// <summary>TLS without a proxy in front. A new certificate needs a restart.</summary>
public static class TlsSetup
{
    /// <exception cref="InvalidOperationException">One of certificate and key is missing, or they are not a pair.</exception>
    public static void UseFleetTls(this KestrelServerOptions kestrel, TlsOptions tls)
    {
        if (tls.Certificate is null && tls.Key is null)
        {
            return;
        }

        if (tls.Certificate is null || tls.Key is null)
        {
            throw new InvalidOperationException("TLS needs both PMEMFLEET__API__TLS__CERTIFICATE and PMEMFLEET__API__TLS__KEY, or their …_FILE");
        }

        X509Certificate2 certificate;
        var chain = new X509Certificate2Collection();
        try
        {
            certificate = tls.KeyPassword is null
                ? X509Certificate2.CreateFromPem(tls.Certificate, tls.Key)
                : X509Certificate2.CreateFromEncryptedPem(tls.Certificate, tls.Key, tls.KeyPassword);
            chain.ImportFromPem(tls.Certificate);
        }
        catch (Exception wrong) when (wrong is CryptographicException or ArgumentException)
        {
            // without the inner exception: no part of the key may get into a log
            throw new InvalidOperationException($"PMEMFLEET__API__TLS__CERTIFICATE and PMEMFLEET__API__TLS__KEY are no PEM pair ({wrong.GetType().Name})");
        }

        kestrel.ConfigureHttpsDefaults(https =>
        {
            https.ServerCertificate = certificate;
            https.ServerCertificateChain = chain;
        });
    }
}
