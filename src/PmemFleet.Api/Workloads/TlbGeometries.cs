using PmemFleet.Contracts.Workloads;
using PmemFleet.DeviceDax.Tlb;

namespace PmemFleet.Api.Workloads;

/// <summary>From a described TLB to the engine's; what is not described is a server core's.</summary>
public static class TlbGeometries
{
    public static TlbGeometry Read(TlbGeometryDto tlb)
    {
        var server = TlbGeometry.Server;
        return new TlbGeometry
        {
            FirstPte = Read(tlb.FirstPte, server.FirstPte),
            FirstPmd = Read(tlb.FirstPmd, server.FirstPmd),
            FirstPud = Read(tlb.FirstPud, server.FirstPud),
            SecondShared = Read(tlb.SecondShared, server.SecondShared),
            SecondPud = Read(tlb.SecondPud, server.SecondPud),
            WalkPmd = Read(tlb.WalkPmd, server.WalkPmd),
            WalkPud = Read(tlb.WalkPud, server.WalkPud),
            WalkTop = Read(tlb.WalkTop, server.WalkTop),
        };
    }

    private static TlbArray Read(TlbArrayDto? given, TlbArray otherwise) => given is null ? otherwise : new TlbArray(given.Entries!.Value, given.Ways!.Value);
}
