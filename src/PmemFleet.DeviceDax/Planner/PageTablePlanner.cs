using System.Collections.Immutable;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Planner;

/// <summary>What page size costs: by formula (spec 50 section 11), and by letting the engine map it.</summary>
public static class PageTablePlanner
{
    private const ulong EntryBytes = 8;

    // Of each granule's struct pages device-dax keeps two pages of the vmemmap, for a 1 GiB page and a 2 MiB page alike: the
    // one with the head, and one of tails that all the other tails share.
    private const ulong DeduplicatedBytes = 2 * 4096;

    /// <summary>The closed form, for each page size asked for.</summary>
    public static Outcome<ImmutableArray<GranulePlan>> Plan(PageTablePlanRequest request) =>
        Make(request, (granule, r) => Count(granule, r.Start.Value, r.MemoryBytes, r.Levels));

    /// <summary>
    /// The same figures from the engine: a device of that size, real processes, every page touched, the tables counted. The
    /// two agree to the byte.
    /// </summary>
    /// <param name="request">What is planned for; at most 100,000 processes.</param>
    /// <param name="token">Ends it between two processes, with <see cref="OperationCanceledException"/>.</param>
    public static Outcome<ImmutableArray<GranulePlan>> Simulate(PageTablePlanRequest request, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Processes > 100_000 && !request.SharesTables
            ? Invalid("processes", "A simulation has up to 100000 processes; the closed form has no limit.")
            : Make(request, (granule, r) => Simulate(granule, r, token));
    }

    /// <summary>Table pages of one process that touches all of [start, start + length): n(k) of spec 50 section 11.</summary>
    public static PageTableCensus Count(PageGranule granule, ulong start, ulong length, int levels)
    {
        long Tables(int shift) => length == 0 ? 0 : (long)(((start + length - 1) >> shift) - (start >> shift) + 1);
        return new(
            granule == PageGranule.Pte ? Tables(21) : 0,
            granule <= PageGranule.Pmd ? Tables(30) : 0,
            Tables(39),
            levels == 5 ? Tables(48) : 0,
            1);
    }

    private static PageTableCensus Simulate(PageGranule granule, PageTablePlanRequest request, CancellationToken token)
    {
        var machine = new Machine(new MachineProfile
        {
            PageTableLevels = request.Levels,
            Layout = AddressSpaceLayout.WithoutRandomisation with { TaskSize = request.Levels == 5 ? 1UL << 56 : 0x7fff_ffff_f000 },
        });
        var region = machine.AddRegion(new(0, new(new(1UL << 40), new(request.MemoryBytes)), granule)).Value;
        _ = region.AddDevice(new(0)).Value;
        var processes = request.SharesTables ? 1 : request.Processes;
        PageTableCensus? first = null;
        for (long i = 0; i < processes; i++)
        {
            token.ThrowIfCancellationRequested();
            var process = machine.StartProcess("planner", ProcessImage.None);
            var fd = process.Open("/dev/dax0.0", OpenFlags.ReadWrite).Value;
            var mapped = process.Mmap(new(request.MemoryBytes, Protection.Read | Protection.Write, MapFlags.Shared | MapFlags.Fixed, fd) { Address = request.Start.Value });
            process.PopulateInLoad(mapped.Value, false);
            var census = process.PageTables;
            if ((first ??= census) != census)
            {
                throw new InvalidOperationException("equal processes have unequal page tables");
            }
        }

        return first!.Value;
    }

    private static Outcome<ImmutableArray<GranulePlan>> Make(PageTablePlanRequest request, Func<PageGranule, PageTablePlanRequest, PageTableCensus> count)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (Check(request) is { } refusal)
        {
            return refusal;
        }

        return request.Granules.Select(g => Cost(request, g, count(g, request))).ToImmutableArray();
    }

    private static GranulePlan Cost(PageTablePlanRequest request, PageGranule granule, PageTableCensus tables)
    {
        Int128 copies = request.SharesTables ? 1 : request.Processes;
        Int128 entries = request.MemoryBytes / granule.Bytes();
        Int128 structPages = (Int128)(request.MemoryBytes >> PageGranules.PageShift) * request.StructPageBytes;
        var perGranule = (granule.Bytes() >> PageGranules.PageShift) * request.StructPageBytes;
        if (request.DeduplicatesStructPages && perGranule > DeduplicatedBytes)
        {
            structPages = entries * DeduplicatedBytes;
        }

        return new(
            granule,
            entries,
            entries * EntryBytes,
            entries * EntryBytes * copies,
            tables,
            tables.Bytes,
            tables.Bytes * copies,
            structPages,
            request.StructPages == StructPageLocation.Memory ? structPages : 0,
            request.Tlb.EntriesFor(granule),
            request.Tlb.Reach(granule).Value);
    }

    private static Refusal? Check(PageTablePlanRequest request)
    {
        var limit = request.Levels == 5 ? 1UL << 56 : 1UL << 47;
        if (request.Processes < 1)
        {
            return Invalid("processes", "There is at least one process.");
        }

        if (request.Levels is not (4 or 5))
        {
            return Invalid("levels", "x86-64 has 4 or 5 levels.").Allowing("4", "5");
        }

        if (request.Start.Value < AddressSpaceLayout.LowestAddress)
        {
            return Invalid("start", "No process may map below 64 KiB.").WithAddress("start", request.Start.Value)
                .Allowing($"{PageGranules.AlignUp(AddressSpaceLayout.LowestAddress, request.Granules.Max().Bytes())}");
        }

        foreach (var granule in request.Granules)
        {
            if (request.MemoryBytes == 0 || !PageGranules.IsAligned(request.MemoryBytes | request.Start.Value, granule.Bytes()))
            {
                return Invalid("memory", "Memory and start must be multiples of every page size asked for.")
                    .With("memory", request.MemoryBytes).With("granule", granule.Bytes())
                    .Allowing($"{PageGranules.AlignUp(request.MemoryBytes, granule.Bytes())}");
            }
        }

        return request.MemoryBytes > limit || request.Start.Value > limit - request.MemoryBytes - PageGranules.PageBytes
            ? Invalid("memory", "The mapping doesn't fit into the address space.").With("memory", request.MemoryBytes).With("limit", limit)
            : null;
    }

    private static Refusal Invalid(string subject, string why) => new Refusal(Errno.EINVAL, "plan-invalid", why).About(subject);
}
