using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace PmemFleet.Api.Hosting;

/// <summary>
/// X-Forwarded-For and X-Forwarded-Proto, from the proxies of PMEMFLEET__API__KNOWNPROXIES only: who could say its own address would
/// choose whose limit it uses up.
/// </summary>
public static class ForwardedAddresses
{
    /// <exception cref="InvalidOperationException">An entry is neither an address nor a network.</exception>
    public static void UseKnownProxies(this WebApplication app, string? knownProxies)
    {
        var entries = (knownProxies ?? string.Empty).Split([',', ' '], StringSplitOptions.RemoveEmptyEntries);
        if (entries.Length == 0)
        {
            return;
        }

        // each proxy appends the address it saw: read from the end up to the first that no known proxy has
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var entry in entries)
        {
            if (IPAddress.TryParse(entry, out var address))
            {
                options.KnownProxies.Add(address);
            }
            else if (IPNetwork.TryParse(entry, out var network))
            {
                options.KnownIPNetworks.Add(network);
            }
            else
            {
                throw new InvalidOperationException($"PMEMFLEET__API__KNOWNPROXIES: '{entry}' is neither an address nor a network such as 10.0.0.0/8");
            }
        }

        app.UseForwardedHeaders(options);
    }
}
