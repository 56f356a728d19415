using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// A table as <see cref="RowChanges"/> writes it: many rows with one statement, whose text is always the same, so that its plan is made once. Columns, keys
/// and converters are those of the context's own model, so a row that is written here and one that EF writes are the same.
/// </summary>
internal sealed class RowTable
{
    private static readonly Func<object, object> Clone =
        typeof(object).GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!.CreateDelegate<Func<object, object>>();

    private readonly RowColumn[] _all;
    private readonly RowColumn[] _key;
    private readonly RowColumn[] _keyAndWritten;
    private readonly string _insert;
    private readonly string _update;
    private readonly string _delete;
    private readonly Func<object, object, bool> _same;

    public RowTable(IEntityType type)
    {
        Type = type.ClrType;
        IsReferredTo = type.GetReferencingForeignKeys().Any();
        var table = $"\"{type.GetTableName()}\"";
        _all = [.. type.GetFlattenedProperties().Where(property => !IsMadeByTheDatabase(property)).Select(property => RowColumn.Of(property, Type))];
        _key = [.. type.FindPrimaryKey()!.Properties.Select(property => RowColumn.Of(property, Type))];
        var key = _key.Select(column => column.Name).ToHashSet();
        RowColumn[] written = [.. type.GetFlattenedProperties().Where(IsChangeable).Select(property => RowColumn.Of(property, Type)).Where(column => !key.Contains(column.Name))];
        _keyAndWritten = [.. _key, .. written];
        var match = string.Join(" AND ", _key.Select(column => $"kept.{column.Name} = given.{column.Name}"));
        _insert = $"INSERT INTO {table} ({Names(_all)}) SELECT * FROM unnest({Places(_all)})";
        _update = $"UPDATE {table} kept SET {string.Join(", ", written.Select(column => $"{column.Name} = given.{column.Name}"))} FROM unnest({Places(_keyAndWritten)}) AS given({Names(_keyAndWritten)}) WHERE {match}";
        _delete = $"DELETE FROM {table} kept USING unnest({Places(_key)}) AS given({Names(_key)}) WHERE {match}";
        _same = SameOf(type);
    }

    public Type Type { get; }

    /// <summary>Rows of other tables point to rows of this one.</summary>
    public bool IsReferredTo { get; }

    /// <summary>What the row is now, to be compared with later.</summary>
    public static object Copy(object row) => Clone(row);

    /// <summary>No column that a write may change differs.</summary>
    public bool AreSame(object row, object other) => _same(row, other);

    public NpgsqlBatchCommand Insert(IReadOnlyList<object> rows) => Command(_insert, _all, rows);

    public NpgsqlBatchCommand Update(IReadOnlyList<object> rows) => Command(_update, _keyAndWritten, rows);

    public NpgsqlBatchCommand Delete(IReadOnlyList<object> rows) => Command(_delete, _key, rows);

    private static NpgsqlBatchCommand Command(string text, RowColumn[] columns, IReadOnlyList<object> rows)
    {
        var command = new NpgsqlBatchCommand(text);
        foreach (var column in columns)
        {
            command.Parameters.Add(column.Of(rows));
        }

        return command;
    }

    private static string Names(IEnumerable<RowColumn> columns) => string.Join(", ", columns.Select(column => column.Name));

    private static string Places(RowColumn[] columns) => string.Join(", ", Enumerable.Range(1, columns.Length).Select(place => $"${place}"));

    private static bool IsMadeByTheDatabase(IProperty property) => property.ValueGenerated != ValueGenerated.Never && property.ClrType == typeof(long);

    /// <summary>It, or the complex value it is a part of, can be set after the row was made.</summary>
    private static bool IsChangeable(IProperty property)
    {
        var outermost = property.PropertyInfo!;
        for (var owner = property.DeclaringType as IComplexType; owner is not null; owner = owner.ComplexProperty.DeclaringType as IComplexType)
        {
            outermost = owner.ComplexProperty.PropertyInfo!;
        }

        return IsChangeable(outermost);
    }

    private static bool IsChangeable(PropertyInfo property) =>
        property.SetMethod is { } setter && !setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    /// <summary>One compiled comparison of all that can change: it runs for every row of a host, at every write.</summary>
    private static Func<object, object, bool> SameOf(IEntityType type)
    {
        var (first, second) = (Expression.Parameter(typeof(object)), Expression.Parameter(typeof(object)));
        var (row, other) = (Expression.Convert(first, type.ClrType), Expression.Convert(second, type.ClrType));
        var changeable = type.GetProperties().Select(property => property.PropertyInfo!)
            .Concat(type.GetComplexProperties().Select(property => property.PropertyInfo!)).Where(IsChangeable);
        var all = changeable.Select(property => Equal(Expression.Property(row, property), Expression.Property(other, property)))
            .Aggregate((Expression)Expression.Constant(true), Expression.AndAlso);
        return Expression.Lambda<Func<object, object, bool>>(all, first, second).Compile();
    }

    private static Expression Equal(Expression one, Expression other) =>
        one.Type == typeof(byte[]) ? Expression.Call(((Func<byte[]?, byte[]?, bool>)SameBytes).Method, one, other)
        : one.Type == typeof(Dictionary<string, string>) ? Expression.Call(((Func<Dictionary<string, string>, Dictionary<string, string>, bool>)SameLabels).Method, one, other)
        : Expression.Equal(one, other);

    private static bool SameBytes(byte[]? one, byte[]? other) =>
        ReferenceEquals(one, other) || (one is not null && other is not null && one.AsSpan().SequenceEqual(other));

    private static bool SameLabels(Dictionary<string, string> one, Dictionary<string, string> other) =>
        ReferenceEquals(one, other) || LabelsJson.Comparer.Equals(one, other);
}
