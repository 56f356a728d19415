using System.Text;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>ndctl's checks of its options against a region, in ndctl's order, and the defaults it fills in (spec 20 section 9).</summary>
internal sealed record NamespaceRequest
{
    private const long LeastClaimBytes = 16 * Bytes.MiB;

    public required NamespaceMode Mode { get; init; }

    public required long Size { get; init; }

    public required string Name { get; init; }

    public required MapLocation Map { get; init; }

    public required long Align { get; init; }

    public required int SectorSize { get; init; }

    /// <summary>What ndctl refuses by the options alone, before it looks at any region.</summary>
    /// <param name="bus">Whose alignments are the legal ones.</param>
    /// <param name="options">As given.</param>
    /// <param name="isNew">A create; a reconfiguration looks at <c>--map</c> only with the namespace at hand.</param>
    public static Refusal? CheckOptions(Bus bus, NamespaceOptions options, bool isNew)
    {
        if (isNew && options is { Map: not null, Mode: { } mode } && !HasPages(mode))
        {
            return Invalid("map-without-pages", "--map only valid for an devdax mode pmem namespace").About("map").Allowing("fsdax", "devdax");
        }

        return options.Align is { } align && (align.Bytes < Region.PageBytes || (align.Bytes & (align.Bytes - 1)) != 0)
            ? Invalid("align-not-power-of-2", "align must be a power-of-2 greater than 4096").With("align", align.Bytes)
                .Allowing(Nearest.Of(bus.SupportedAlignments, align.Bytes)).About("align")
            : null;
    }

    /// <summary>The request, or a refusal; EAGAIN where another region may still do.</summary>
    public static Outcome<NamespaceRequest> Check(Bus bus, Region region, PmemNamespace? existing, NamespaceOptions options)
    {
        if (!region.Enabled)
        {
            return Skip("region-disabled", $"{region.Name}: disabled, skipping...");
        }

        var size = options.Size?.Bytes ?? existing?.Size ?? 0;
        if (existing is null)
        {
            var available = region.NamespaceKind == NamespaceKind.Pmem ? region.MaxAvailableExtent : region.Size;
            if (available == 0 || size > available)
            {
                return Skip("no-space", "No space left on device").With("size", size).With("maxAvailableExtent", available)
                    .Allowing(available == 0 ? [] : [$"{available}"]).About("size");
            }

            size = size == 0 ? available : size;
        }

        if (region.NamespaceKind == NamespaceKind.Io && size != region.Size)
        {
            var refused = Invalid("label-less-size", "Legacy / label-less namespaces do not support sub-dividing a region\nRetry without -s/--size=")
                .With("size", size).With("regionSize", region.Size).Allowing($"{region.Size}").About("size");
            return existing is null ? refused.Exits(Errno.ENODEV) : refused;
        }

        if (Encoding.UTF8.GetByteCount(options.Name ?? "") >= LabelLayout.NameBytes)
        {
            return Invalid("name-too-long", "create namespace: validate_namespace_options: alt name overflow").With("bytes", Encoding.UTF8.GetByteCount(options.Name!))
                .With("most", LabelLayout.NameBytes - 1).About("name").Allowing(Nearest.Text(options.Name!, LabelLayout.NameBytes - 1));
        }

        var mode = options.Mode ?? (existing is null ? NamespaceMode.Fsdax : NamespaceModes.Of(existing));
        var claim = existing is { Claim: { } held } && NamespaceModes.Of(existing) == mode ? held : null;
        if (!Alignment(bus, region, mode, existing, claim, options).TryGet(out var align, out var refusal)
            || !FitsAlignment(region, size, align.Value, options, Sizes).TryGet(out _, out refusal)
            || !LargeEnough(mode, size, Sizes).TryGet(out _, out refusal)
            || !Sector(region, mode, existing, options).TryGet(out var sector, out refusal))
        {
            return refusal;
        }

        if (existing is not null && options.Map is not null && !HasPages(mode))
        {
            return Invalid("map-without-pages", $"create namespace: {existing.Name}: --map= only valid for fsdax mode namespace").About("map").Allowing("fsdax", "devdax");
        }

        return new NamespaceRequest
        {
            Mode = mode,
            Size = size,
            Name = options.Name ?? existing?.AltName ?? "",
            Map = options.Map ?? MapLocation.Pmem,
            Align = align.Value,
            SectorSize = (int)sector.Value,
        };

        // the sizes next to the one asked for that this region, mode and alignment would take
        string[] Sizes() => Nearest.Multiples(
            size,
            LeastCommonMultiple(region.Align, align.Value * region.Ways),
            mode == NamespaceMode.Raw ? 1 : LeastClaimBytes,
            existing is not null ? Bus.LargestSize(existing) : region.NamespaceKind == NamespaceKind.Pmem ? region.MaxAvailableExtent : region.Size);
    }

    private static long LeastCommonMultiple(long a, long b)
    {
        var (greater, divisor) = (a, b);
        while (divisor != 0)
        {
            (greater, divisor) = (divisor, greater % divisor);
        }

        return a / greater * b;
    }

    private static bool HasPages(NamespaceMode mode) => mode is NamespaceMode.Fsdax or NamespaceMode.Devdax;

    private static Refusal Skip(string rule, string message) => new(Errno.EAGAIN, rule, message);

    private static Refusal Invalid(string rule, string message) => new(Errno.EINVAL, rule, message);

    /// <summary>
    /// The alignment that is asked for, or ndctl's default. A create takes that of the region's seed, where a create that failed leaves the one it asked
    /// for. A reconfigure within a mode takes that of the PFN or DAX, and 4 KiB where there is none; into another mode it takes 2 MiB (golden y_defaults).
    /// </summary>
    private static Outcome<Bytes> Alignment(
        Bus bus, Region region, NamespaceMode mode, PmemNamespace? existing, Personality? claim, NamespaceOptions options)
    {
        var hasPages = HasPages(mode);
        if (options.Align is { } asked)
        {
            if (!hasPages)
            {
                return new Refusal(Errno.ENXIO, "align-without-pages", $"{NamespaceModes.Text(mode)} mode does not support setting an alignment")
                    .With("align", asked.Bytes).Exits(Errno.ENODEV).About("align");
            }

            return bus.SupportedAlignments.Contains(asked.Bytes)
                ? new Bytes(asked.Bytes)
                : new Refusal(Errno.ENXIO, "unsupported-align", $"unsupported align: {asked.Bytes / asked.Unit}{asked.Suffix}")
                    .With("align", asked.Bytes).Exits(Errno.ENODEV).Allowing(Nearest.Of(bus.SupportedAlignments, asked.Bytes)).About("align");
        }

        var kind = mode == NamespaceMode.Fsdax ? PersonalityKind.Pfn : PersonalityKind.Dax;
        var align = !hasPages ? Region.PageBytes
            : existing is null ? region.Seed(kind)?.Align.Value ?? Personality.DefaultAlign.Value
            : NamespaceModes.Of(existing) != mode ? Personality.DefaultAlign.Value
            : claim?.Align.Value ?? Region.PageBytes;
        return new Bytes((region.Start & (align - 1)) == 0 ? align : Region.PageBytes);
    }

    private static Outcome<Done> FitsAlignment(Region region, long size, long align, NamespaceOptions options, Func<string[]> legal)
    {
        if (size % region.Align != 0)
        {
            return Invalid("size-misaligned", $"create namespace: {region.Name}: align setting is 0x{region.Align:x} size 0x{size:x} is misaligned")
                .With("size", size).With("align", region.Align).About("size")
                .Allowing(legal());
        }

        if (size % (align * region.Ways) == 0)
        {
            return default(Done);
        }

        var unit = options.Size?.Unit ?? 1;
        var step = Math.Max(unit, align) * region.Ways;
        var intended = ((size / step) + 1) * step;
        return Invalid(
            "size-interleave-misaligned",
            $"create namespace: '--size=' must align to interleave-width: {region.Ways} and alignment: {align}\ndid you intend --size={intended / unit}{options.Size?.Suffix}?")
            .With("size", size).With("ways", region.Ways).With("align", align).Allowing(legal()).About("size");
    }

    private static Outcome<Done> LargeEnough(NamespaceMode mode, long size, Func<string[]> legal) =>
        mode != NamespaceMode.Raw && size < LeastClaimBytes
            ? Invalid("size-below-minimum", $"'--size=' must be >= 16MiB for '{NamespaceModes.Text(mode)}' mode")
                .With("size", size).With("least", LeastClaimBytes).Allowing(legal()).About("size")
            : default(Done);

    private static Outcome<Bytes> Sector(Region region, NamespaceMode mode, PmemNamespace? existing, NamespaceOptions options)
    {
        if (options.SectorSize is not { } asked)
        {
            // a mode that is named brings its own default; without one a sector namespace keeps its size (golden y_defaults)
            return mode != NamespaceMode.Sector ? new Bytes(existing is null ? 512 : existing.SectorSize)
                : options.Mode is null && existing?.Claim?.SectorSize is { } kept ? kept
                : new Bytes(4096);
        }

        // a label-less namespace has no sector size to set: any that is asked for is one too many
        IReadOnlyList<int> legal = mode == NamespaceMode.Sector ? Bus.BttSectorSizes : region.NamespaceKind == NamespaceKind.Io ? [] : [512, 4096];
        return legal.Contains(asked)
            ? new Bytes(asked)
            : Invalid(
                mode == NamespaceMode.Sector ? "btt-sector-size" : "sector-size",
                $"create namespace: {region.Name}: does not support {(mode == NamespaceMode.Sector ? "btt" : "namespace")} sector_size {asked}")
                .With("sectorSize", asked).Allowing(Nearest.Of(legal.Select(s => (long)s), asked)).About("sectorSize");
    }
}
